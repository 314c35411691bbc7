"""Make the demonstration once: people, markets, a day of trading behind them, the oracle's sources.

Everything goes through the services that people use; only the clock is moved while the past is
replayed. A second call changes nothing.
"""

import random
from collections.abc import Callable

from exchange import clock
from exchange.engines.units import MICRO
from exchange.errors import Unprocessable
from exchange.models import Market, User
from exchange.selectors import candles
from exchange.services import commands, markets, staff, ticks
from megatron.demo import bots, oracle, people
from megatron.demo.catalogue import MARKETS, DemoMarket

PAST_S = 24 * 3_600
STEP_S = 600
STEPS_PER_CYCLE = 3
ORDERS_PER_STEP = 3
SEED = 20_26

Say = Callable[[str], None]


def seed(say: Say) -> list[people.Login]:
    """Create what is missing and return the log-ins; tells its progress through `say`."""
    ticks.maintain()
    logins = people.create()
    missing = [demo for demo in MARKETS if not Market.objects.filter(slug=demo.slug).exists()]
    if missing:
        say(f"demonstration: {len(missing)} markets")
        start_s = clock.now_s() - PAST_S
        with clock.shifted(-PAST_S):
            for demo in missing:
                _open(demo, start_s)
        _replay(say)
        for demo in missing:
            oracle.card(Market.objects.get(slug=demo.slug))
        _close_some()
    return logins


def _open(demo: DemoMarket, start_s: int) -> None:
    market = markets.market_open(
        slug=demo.slug,
        name=demo.name,
        ticker=demo.ticker,
        unit=demo.unit,
        question=demo.question,
        summary=demo.summary,
        rules=demo.rules,
        topic=demo.topic,
        parameters=demo.parameters,
        is_demo=True,
    )
    for user, amount in zip(people.bots(), demo.contributed, strict=False):
        _ask(
            user,
            market,
            "contribute",
            {"amount_micro": int(amount) * MICRO},
            f"contribution-{market.pk}",
        )
    oracle.specify(market, demo, start_s)


def _ask(user: User, market: Market, kind: str, payload: dict[str, int], key: str) -> None:
    commands.submit(market_id=market.pk, kind=kind, payload=payload, key=key, user_id=user.pk)


def _replay(say: Say) -> None:
    """Let a day pass: bots trade, the oracle reads what was in the news by then."""
    dice, users = random.Random(SEED), people.bots()  # noqa: S311 (the same day every time)
    steps = PAST_S // STEP_S
    for step in range(1, steps):
        with clock.shifted(step * STEP_S - PAST_S):
            if step % STEPS_PER_CYCLE == 0:
                oracle.cycle()
            markets.heartbeats(clock.now_s())
            for number in range(ORDERS_PER_STEP):
                bots.trade_once(dice, users, f"past-{step:04}-{number}")
        if step % (steps // 4) == 0:
            say(f"demonstration: {step * STEP_S // 3_600} of {PAST_S // 3_600} hours replayed")
    oracle.cycle()
    # the roll-up looks at the running and the previous day only, so it is told of both
    candles.roll_up(clock.now_s() - PAST_S)
    candles.roll_up(clock.now_s())


def _close_some() -> None:
    """Put the markets that show a special state into it, as staff would, with the reason."""
    actor = User.objects.get(email=people.STAFF)
    for demo in MARKETS:
        market = Market.objects.get(slug=demo.slug)
        try:
            if demo.reduce_only:
                staff.reduce_only_set(actor=actor, market=market, reason=demo.reduce_only)
            if demo.oracle_paused:
                oracle.pause(market, actor, "Shows what a silent oracle means.")
        except Unprocessable:
            continue  # it is in that state already
