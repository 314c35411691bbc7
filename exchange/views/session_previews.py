"""A session's ticket as its preview states it: the figures in order, or why the button is off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange import clock, figures, refusals
from exchange.engines import outcome
from exchange.engines.engine import Rejected
from exchange.engines.units import MICRO, PICO
from exchange.selectors.outcome import book, portfolio, quotes
from exchange.selectors.outcome.sessions import OutcomeView, SessionView
from exchange.views.session_seat import Seat

VALID_S = 10
RATE_E9 = 10**9
SIDES = ("YES", "NO")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an order does to the chance of one outcome."""

    view: OutcomeView
    before_pico: int
    after_pico: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPreview:
    """An order as it would go now, or the reason why it cannot; money in micro."""

    what: str
    action: str
    refusal: str = ""
    reason: str = ""
    code: str = ""
    buys: bool = True
    found: quotes.Preview | None = None
    fee_micro: int = 0
    rebate_micro: int = 0
    gas_micro: int = 0
    leaves_no_gas: bool = False
    total_micro: int = 0
    filled_micro: int = 0
    rests_micro: int = 0
    position_micro: int = 0
    position_average_pico: int | None = None
    better_micro: int = 0
    beside_micro: int = 0
    token: str = ""
    name: str = ""
    profit_micro: int | None = None
    loss_micro: int = 0
    effects: Sequence[Effect] = ()
    batch_at_s: int = 0
    valid_until_s: int = 0


def preview_of(seat: Seat, view: SessionView, asked: Mapping[str, Any]) -> SessionPreview:
    """Ask the engine what an order would do now, and state it."""
    row = view.outcomes[asked["outcome"]]
    buys = asked["side"] == outcome.BUY
    size = figures.trimmed(asked["size_micro"], MICRO, 0, 2)
    token = SIDES[asked["token"]]
    verb = "Buy" if buys else "Sell"
    what = f"{verb} {size} {token} of {row.name}"
    if not view.session.started_ms:
        return _off(what, Rejected("frozen", {"status": view.market.status}), buys=buys)
    found = quotes.preview(view.session, seat.participant, asked)
    if found.refused is not None or found.order is None:
        return _off(what, found.refused or Rejected("frozen", {}), buys=buys)
    order = found.order
    token_index = outcome.token_of(asked["outcome"], asked["token"])
    total = abs(found.cash_micro)
    # What the tokens cost, without what is only set aside.
    cost = total - found.locked_micro
    after = found.after
    better, beside = _place(view, asked) if order.rests else (0, 0)
    return SessionPreview(
        what=_sentence(what, asked, order, total),
        action=what if order.price_micro is None else f"{what} at {_limit(order.price_micro)}",
        buys=buys,
        found=found,
        fee_micro=order.fee_micro,
        rebate_micro=order.rebate_micro,
        gas_micro=found.gas_micro,
        leaves_no_gas=buys and after.cash_micro < view.config.gas_fee_micro,
        total_micro=found.cash_micro,
        filled_micro=order.filled_micro,
        rests_micro=order.remaining_micro if order.rests else 0,
        position_micro=after.held_micro[token_index] + after.locked_micro[token_index],
        position_average_pico=_average(seat, order, token_index),
        better_micro=better,
        beside_micro=beside,
        token=token,
        name=row.name,
        profit_micro=found.pays_micro - cost if buys else None,
        loss_micro=-cost,
        effects=_effects(view, found),
        batch_at_s=_batch_at_s(view, found.tick),
        valid_until_s=clock.now_s() + VALID_S,
    )


def _off(what: str, rejected: Rejected, *, buys: bool) -> SessionPreview:
    return SessionPreview(
        what=what,
        action=what,
        buys=buys,
        refusal=refusals.sentence(rejected.code, rejected.fields),
        reason=reason_of(rejected),
        code=rejected.code,
    )


def _place(view: SessionView, asked: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many tokens rest at better prices than a limit order's, and how many at its own.

    Those at its own price share what comes with it, in proportion to their sizes.
    """
    buys, price = asked["side"] == outcome.BUY, asked["price_micro"]
    rows = book.book(view.session, book.ALL)
    here = (asked["outcome"], asked["token"])
    found = next((row for row in rows if (row.outcome, row.token) == here), None)
    levels = () if found is None else (found.bids if buys else found.asks)
    better = (
        level
        for level in levels
        if (level.price_micro > price if buys else level.price_micro < price)
    )
    beside = (level for level in levels if level.price_micro == price)
    return sum(level.size_micro for level in better), sum(level.size_micro for level in beside)


def _average(seat: Seat, order: outcome.Order, token: int) -> int | None:
    """Return what one of the tokens held after an order will have cost on average, fees apart."""
    if seat.participant is None:
        return None
    held = portfolio.portfolio(seat.participant).holdings
    row = next((row for row in held if (2 * row.outcome + row.token) == token), None)
    size, cost = (row.bought_micro, row.cost_micro) if row else (0, 0)
    if order.buys:
        size, cost = size + order.filled_micro, cost + order.amount_micro
    return cost * PICO // size if size else None


def reason_of(rejected: Rejected) -> str:
    """Return why the button is off, short enough to stand on it."""
    fields = rejected.fields
    if rejected.code == "insufficient_funds":
        missing = int(fields.get("needed_micro", 0)) - int(fields.get("cash_micro", 0))
        return f"Need {figures.usdc_exact(_up(missing))} more"
    if rejected.code == "insufficient_tokens":
        missing = int(fields.get("needed_micro", 0)) - int(fields.get("held_micro", 0))
        return f"Need {figures.trimmed(missing, MICRO, 0, 2)} more tokens"
    if rejected.code == "slippage":
        return _slippage_words(fields)
    if rejected.code == "bad_size" and int(fields["size_micro"]) > int(fields["size_max_micro"]):
        return f"At most {figures.trimmed(int(fields['size_max_micro']), MICRO, 0, 2)} tokens"
    return SHORT.get(rejected.code, "Cannot be placed like this")


SHORT = {
    "frozen": "Trading stands still",
    "reduce_only": "Selling and cancelling only",
    "inactive_outcome": "This outcome is out",
    "bad_size": "Sizes are multiples of 0.01",
    "bad_price": "This price is off the grid",
    "above_par": "Would cost 1 USDC or more a token",
    "no_liquidity": "Nobody buys this token now",
}


def _slippage_words(fields: Mapping[str, Any]) -> str:
    filled = max(1, int(fields["filled_micro"]))
    reference = max(1, int(fields["reference_pico"]))
    amount, rebate = int(fields["amount_micro"]), int(fields["rebate_micro"])
    # Of a buy the rebate makes the average better by being taken off, of a sell by being added.
    worse = (amount - rebate) * PICO * RATE_E9 // (filled * reference) - RATE_E9
    if worse < 0:
        worse = RATE_E9 - (amount + rebate) * PICO * RATE_E9 // (filled * reference)
    most = figures.trimmed(int(fields["slippage_max_e9"]) * 100, RATE_E9, 0, 2)
    shown = figures.trimmed(-(-worse // 10**5) * 10**5 * 100, RATE_E9, 0, 2)
    return f"Estimated slippage {shown} % > your maximum {most} %"


def _sentence(what: str, asked: Mapping[str, Any], order: outcome.Order, total: int) -> str:
    word = "for" if asked["side"] == outcome.BUY else "and receive"
    if order.price_micro is not None and order.rests:
        return f"{what} at {_limit(order.price_micro)} or better"
    return f"{what} {word} {figures.usdc(total)} USDC"


def _limit(micro: int) -> str:
    return figures.trimmed(micro, MICRO, 2, 4)


def _up(micro: int) -> int:
    """Round what is missing up to a cent, so that bringing it suffices."""
    return -(-micro // 10_000) * 10_000


def _effects(view: SessionView, found: quotes.Preview) -> list[Effect]:
    pairs = zip(view.outcomes, found.prices_before, found.prices, strict=True)
    return [
        Effect(view=row, before_pico=before[0], after_pico=after[0])
        for row, before, after in pairs
        if row.is_active
    ]


def _batch_at_s(view: SessionView, tick: int) -> int:
    return ((view.session.started_ms or 0) + tick * view.config.batch_ms) // 1000
