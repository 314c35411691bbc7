"""The promises that must hold after every batch; a broken one is our defect."""

from typing import NoReturn

from exchange.engines.engine import EngineBug
from exchange.engines.outcome import results as to
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.reports import backing, redemption
from exchange.engines.outcome.results import Fill, Settlement
from exchange.engines.outcome.state import SETTLED, MarketState


def check_invariants(
    config: Config, before: MarketState, after: MarketState, settlement: Settlement
) -> None:
    """Check what section 10 promises, as far as one batch and the market's scalars can show it.

    Token sums over all traders are the tests' auditor's and the nightly recomputation's affair.

    Raises:  EngineBug with the section and the numbers behind it.
    """
    _check_postings(before, after, settlement)
    _check_people(settlement)
    _check_supplies(before, after, settlement)
    _check_backing(config, before, after)
    _check_solvency(config, after)
    _check_limits(config, after, settlement)


def _fail(name: str, **numbers: int) -> NoReturn:
    figures = ", ".join(f"{key} {number}" for key, number in numbers.items())
    raise EngineBug(f"{name} broken: {figures}")


def _check_postings(before: MarketState, after: MarketState, settlement: Settlement) -> None:
    by_seq: dict[int, int] = {}
    by_kind: dict[str, int] = {}
    for seq, kind, _, amount in settlement.postings:
        by_seq[seq] = by_seq.get(seq, 0) + amount
        by_kind[kind] = by_kind.get(kind, 0) + amount
    for seq, total in by_seq.items():
        if total:
            _fail("10.1", seq=seq, sum=total)
    for kind in (to.POOL, to.PAIRS, to.FEES, to.SEIGNIORAGE, to.GAS):
        balance = getattr(after, f"{kind}_micro")
        change = balance - getattr(before, f"{kind}_micro")
        if by_kind.get(kind, 0) != change or balance < 0:
            _fail(f"10.1 {kind}", posted=by_kind.get(kind, 0), change=change, balance=balance)


def _check_people(settlement: Settlement) -> None:
    for trader in settlement.traders.values():
        least = min(
            trader.cash_micro, trader.reserved_micro, *trader.held_micro, *trader.locked_micro
        )
        if least < 0:
            _fail("10.1 trader", id=trader.id, least=least)
    for order in settlement.orders.values():
        if order.remaining_micro < 0 or order.reserve_micro < 0:
            _fail("10.1 order", id=order.id, remaining=order.remaining_micro)


def _check_supplies(before: MarketState, after: MarketState, settlement: Settlement) -> None:
    """Check that issued tokens and pairs changed by the fills, where nothing was resolved."""
    if before.active != after.active or after.status == SETTLED:
        return
    issued = [0] * (2 * len(before.outcomes))
    pairs = [0] * len(before.outcomes)
    for fill in settlement.fills:
        _count(fill, issued, pairs)
    for i, (was, now) in enumerate(zip(before.outcomes, after.outcomes, strict=True)):
        least = min(now.yes_micro, now.no_micro, now.pairs_micro)
        changes = (
            now.yes_micro - was.yes_micro,
            now.no_micro - was.no_micro,
            now.pairs_micro - was.pairs_micro,
        )
        if changes != (issued[2 * i], issued[2 * i + 1], pairs[i]) or least < 0:
            _fail("10.1 tokens", outcome=i, yes=changes[0], no=changes[1], pairs=changes[2])


def _count(fill: Fill, issued: list[int], pairs: list[int]) -> None:
    size, outcome = fill.size_micro, fill.token >> 1
    if fill.kind == to.CONVERT:
        issued[fill.token ^ 1] += size
        pairs[outcome] -= size
    elif fill.kind == to.MINT:
        pairs[outcome] += size
    elif fill.kind == to.MERGE:
        pairs[outcome] -= size
    elif fill.seller is None:
        issued[fill.token] += size
    elif fill.buyer is None:
        issued[fill.token] -= size


def _check_backing(config: Config, before: MarketState, after: MarketState) -> None:
    """Check that F has not fallen: no trade lowers it, and an elimination spends only what it may.

    The survivors' potential is at most the old one plus the depth set free less what was paid, so
    that F holds across eliminations too.
    """
    if after.status != SETTLED:
        was, now = backing(config, before), backing(config, after)
        if now < was:
            _fail("10.2", before=was, after=now)


def _check_solvency(config: Config, after: MarketState) -> None:
    worst = redemption(after)
    if after.pool_micro < worst:
        _fail("10.3", pool=after.pool_micro, redemption=worst, fund=config.z_micro)


def _check_limits(config: Config, after: MarketState, settlement: Settlement) -> None:
    for i in after.active:
        outcome = after.outcomes[i]
        low = min(outcome.yes_pico, outcome.no_pico)
        high = max(outcome.yes_pico, outcome.no_pico)
        if low < 0 or high > config.p_max_pico:
            _fail("10.6 price", outcome=i, low=low, high=high)
    for order in settlement.orders.values():
        if order.price_micro is None:
            continue
        limit = order.price_micro * order.filled_micro
        paid = order.amount_micro * 10**6
        if (order.buys and paid > limit) or (not order.buys and paid < limit):
            _fail("10.6 limit", id=order.id, amount=order.amount_micro, filled=order.filled_micro)
