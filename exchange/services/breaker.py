"""The breaker: a market whose price moves 15 % within a minute opens nothing for five.

It is a rule, not a power: it fires by itself, is an event on the market's page, and ends by
itself. Closing, cancelling and withdrawing go on meanwhile.
"""

from exchange import clock
from exchange.engines import variable
from exchange.models import MarketEvent
from exchange.services import metrics
from exchange.services.batch import Batch, Pause

RULE = "price_move"
MOVE_PERCENT = 15
WINDOW_S = 60
PAUSE_S = 300


def watched(batch: Batch, done: variable.Settlement) -> None:
    """Note the batch's price, and pause opens where the last minute's moved too far.

    Keeps:   `recent` has the lowest and the highest price of each second of the last minute.
    """
    if done.state.status != variable.ACTIVE:
        return
    now_s, price, before = batch.now_s, done.tick.market_pico, batch.state.market_pico
    kept = [entry for entry in batch.recent if entry[0] > now_s - WINDOW_S]
    if kept and kept[-1][0] == now_s:
        _, low, high = kept.pop()
        kept.append([now_s, min(low, price), max(high, price)])
    else:
        kept.append([now_s, price, price])
    batch.recent = kept
    # the price before the batch counts however old it is: it held until now
    lowest = min(before, *(entry[1] for entry in kept))
    highest = max(before, *(entry[2] for entry in kept))
    if now_s >= batch.pause.until_s and _too_far(lowest, highest, price):
        batch.pause = Pause(RULE, now_s, now_s + PAUSE_S)
        # the minute that fired it must not fire it again when the pause is over
        batch.recent = [[now_s, price, price]]
        metrics.HALTS.labels(RULE).inc()
        MarketEvent.objects.create(
            market_id=batch.market_id,
            kind="pause",
            rule=RULE,
            at=clock.at(now_s),
            detail={
                "low_pico": str(lowest),
                "high_pico": str(highest),
                "until_s": now_s + PAUSE_S,
            },
        )


def _too_far(lowest: int, highest: int, price: int) -> bool:
    """Return whether the price has risen or fallen by the limit from where the minute had it."""
    rose = (price - lowest) * 100 >= lowest * MOVE_PERCENT
    return rose or (highest - price) * 100 >= highest * MOVE_PERCENT
