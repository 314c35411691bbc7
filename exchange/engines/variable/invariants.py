"""The promises that must hold after every batch; a broken one is our defect."""

from typing import NoReturn

from exchange.engines.engine import EngineBug
from exchange.engines.units import RATE
from exchange.engines.variable import results as to
from exchange.engines.variable.book import ACC_SCALE
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE
from exchange.engines.variable.providers import UNITS_AT_PAR
from exchange.engines.variable.results import RECENTRING, Applied, Settlement
from exchange.engines.variable.state import CANCELLED, FUNDING, SETTLED, MarketState


def check_invariants(
    config: Config, before: MarketState, after: MarketState, settlement: Settlement
) -> None:
    """Check what section 20 promises, as far as one batch and the market's scalars can show it.

    I6 and I8 are checked for the traders that changed; I10, I12 and I13 speak of single providers
    and of more than one batch: the tests' auditor and the nightly recomputation see to those.

    Raises:  EngineBug with the name of the invariant and the numbers behind it.
    """
    _check_postings(before, after, settlement)
    _check_people(config, after, settlement)
    _check_positions(before, after, settlement)
    _check_solvency(config, after)
    _check_equity(before, after, settlement)
    _check_recentring(before, settlement)
    _check_fees(before, after)
    _check_move(before, after, settlement)


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
            _fail("I1", seq=seq, sum=total)
    changes = (
        (to.POOL, after.pool_micro - before.pool_micro, after.pool_micro),
        (to.FUNDS, after.funding_micro - before.funding_micro, after.funding_micro),
        (to.LP_FEES, after.lp_fees_micro - before.lp_fees_micro, after.lp_fees_micro),
        (to.INSURANCE, after.insurance_micro - before.insurance_micro, after.insurance_micro),
        (to.TREASURY, after.treasury_micro - before.treasury_micro, after.treasury_micro),
    )
    for kind, change, balance in changes:
        if by_kind.get(kind, 0) != change or balance < 0:
            _fail(f"I1 {kind}", posted=by_kind.get(kind, 0), change=change, balance=balance)


def _check_people(config: Config, after: MarketState, settlement: Settlement) -> None:
    owed = (RATE + config.mm_e8) * after.close_out_exact
    for trader in settlement.traders.values():
        least = min(trader.cash_micro, trader.reserved_micro, trader.escrow_micro)
        if least < 0 or trader.entry_micro < 0:
            _fail("I1 trader", id=trader.id, money=least, entry=trader.entry_micro)
        if trader.shares_nano >= 0:
            if trader.escrow_micro:
                _fail("I8 escrow", id=trader.id, escrow=trader.escrow_micro)
            continue
        needed = -trader.shares_nano * owed
        if trader.escrow_micro * RATE * PRICE * 10**15 < needed and not after.backlog:
            _fail("I6", id=trader.id, escrow=trader.escrow_micro, short=-trader.shares_nano)


def _check_positions(before: MarketState, after: MarketState, settlement: Settlement) -> None:
    bought = sum(f.shares_nano if f.side == to.BUY else -f.shares_nano for f in settlement.fills)
    change = after.supply_nano - before.supply_nano
    settled = after.status == SETTLED and before.status != SETTLED
    if after.long_nano < 0 or after.short_nano < 0 or (bought != change and not settled):
        _fail("I2 shares", fills=bought, change=change, supply=after.supply_nano)
    if settled and after.supply_nano:
        _fail("I2 settled", supply=after.supply_nano)
    expected = _units_after(before, after, settlement)
    if after.units_nano != expected:
        _fail("I2 units", units=after.units_nano, expected=expected)


def _units_after(before: MarketState, after: MarketState, settlement: Settlement) -> int:
    """Return the units that there must be: those before, what came and what was burned."""
    if after.status in (FUNDING, CANCELLED):
        return 0
    made = 0
    for result in settlement.results:
        if isinstance(result, Applied) and result.kind == "contribute":
            units = result.fields["units_nano"]
            assert isinstance(units, int)
            made += units
    burned = sum(payout.units_nano for payout in settlement.payouts)
    return before.units_nano + before.funding_micro * UNITS_AT_PAR + made - burned


def _check_solvency(config: Config, after: MarketState) -> None:
    free, equity = after.free_capital_exact, after.equity_exact
    if free < 0:
        _fail("I3", free_capital_micro=after.free_capital_micro)
    if equity < free:
        _fail("I4", equity_micro=after.equity_micro, free_capital_micro=after.free_capital_micro)
    lowest = after.p0_pico * PRICE - after.k_atto * after.short_nano
    if lowest < config.p_min_pico * PRICE:
        _fail("I5", lowest=lowest, p_min=config.p_min_pico * PRICE)


def _check_equity(before: MarketState, after: MarketState, settlement: Settlement) -> None:
    """Check I9: what is left of the change of E after everything booked is dust and surcharge."""
    booked = (settlement.capital_micro - settlement.bad_debt_micro) * TWICE
    booked += settlement.revalued_exact
    shifted = sum(shift.supply_nano * shift.delta_pico for shift in settlement.shifts)
    rest = after.equity_exact - before.equity_exact - booked + 2 * PRICE * shifted
    # a leg leaves less than a micro-USDC and the price of one quantum of shares
    most = sum(
        TWICE * (fill.surcharge_micro + 1) + 2 * PRICE * (fill.market_pico + 1) + after.k_atto
        for fill in settlement.fills
    )
    if not 0 <= rest <= most:
        _fail("I9", rest=rest, most=most)


def _check_recentring(before: MarketState, settlement: Settlement) -> None:
    gap = before.f_pico * PRICE - before.price_exact
    for shift in settlement.shifts:
        closed = shift.delta_pico * PRICE
        if shift.reason == RECENTRING and not min(gap, 0) <= closed <= max(gap, 0):
            _fail("I11", gap=gap, closed=closed)


def _check_fees(before: MarketState, after: MarketState) -> None:
    """Check I7 in sum: what lies in lp_fees is what is owed and the accumulator's remainder."""
    if after.lp_fees_micro * ACC_SCALE != after.owed + after.acc_rem:
        _fail("I7", lp_fees=after.lp_fees_micro, owed=after.owed, rest=after.acc_rem)
    if after.acc < before.acc or after.acc_rem < 0:
        _fail("I7 accumulator", acc=after.acc, rest=after.acc_rem)


def _check_move(before: MarketState, after: MarketState, settlement: Settlement) -> None:
    move, tick = settlement.move, settlement.tick
    parts = move.market_trades_pico + move.market_oracle_pico + move.market_recentring_pico
    change = after.market_pico - before.market_pico
    if parts != change or tick.market_pico != after.market_pico:
        _fail("move", parts=parts, change=change, tick=tick.market_pico)
    if after.t_s < before.t_s:
        _fail("clock", before=before.t_s, after=after.t_s)
