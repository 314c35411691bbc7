"""Funding a market, its activation, refunds, and the fees that providers earn and claim."""

from dataclasses import replace

from exchange.engines.engine import EngineBug, Refusal
from exchange.engines.rounding import div_even, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import results as to
from exchange.engines.variable.book import ACC_SCALE, Book
from exchange.engines.variable.commands import Claim, Contribute, Refund
from exchange.engines.variable.curve import TWICE
from exchange.engines.variable.results import Applied
from exchange.engines.variable.state import (
    ACTIVE,
    CANCELLED,
    FUNDING,
    Cohort,
    MarketState,
    Provider,
)
from exchange.engines.variable.vesting import DAY_S
from exchange.engines.variable.withdrawals import mint

# One unit per USDC at par: a micro-USDC is a thousand of a unit's 1e-9.
UNITS_AT_PAR = 1000


def contribute(book: Book, command: Contribute) -> Applied:
    """Take a contribution at par; activate the market in the same operation at the soft cap.

    In an active market it is a deposit, for units at the equity of the moment.

    Raises:  Refusal.
    Source:  specification, sections 6 and 16.
    """
    amount, config = command.amount_micro, book.config
    if amount <= 0:
        raise Refusal("args", reason="an amount above zero is required")
    if book.status == FUNDING and book.now_s >= book.deadline_s:
        raise Refusal("deadline", deadline_s=book.deadline_s, now_s=book.now_s)
    if amount < config.min_lp_micro:
        raise Refusal("min_contribution", value_micro=amount, value_min_micro=config.min_lp_micro)
    _require_room(book, amount)
    if book.status == ACTIVE and not command.funding_only:
        return mint(book, command)
    if book.status != FUNDING:
        raise Refusal("not_open", status=book.status)
    account = book.account(command.trader)
    book.spend(command.seq, account, amount)
    book.funding += amount
    book.post(command.seq, to.FUNDS, amount)
    units = amount * UNITS_AT_PAR
    _add_at_par(book, command.trader, units)
    activated = book.funding >= config.soft_cap_micro
    if activated:
        _activate(book, command.seq)
    return Applied(
        "contribute", {"amount_micro": amount, "units_nano": units, "activated": activated}
    )


def _require_room(book: Book, amount: int) -> None:
    if book.status == FUNDING:
        room = book.config.hard_cap_micro - book.funding
    elif book.status == ACTIVE:
        room = div_floor(book.config.hard_cap_micro * TWICE - book.equity_exact, TWICE)
    else:
        return
    if amount > room:
        raise Refusal("hard_cap", amount_micro=amount, amount_max_micro=max(0, room))


def _add_at_par(book: Book, key: int, units: int) -> None:
    """Add units whose clock starts at activation: then activating touches no provider."""
    was = book.provider(key)
    total = was.units_nano + units
    book.keep(
        Provider(
            id=key,
            units_nano=total,
            locked_nano=was.locked_nano,
            cohorts=(Cohort(total, None),),
            acc_paid=was.acc_paid,
            owed=was.owed,
            claimed_micro=was.claimed_micro,
        )
    )


def _activate(book: Book, seq: int) -> None:
    total, config = book.funding, book.config
    book.funding = 0
    book.post(seq, to.FUNDS, -total)
    book.pay_pool(seq, total)
    book.capital += total
    if config.k_atto is None:
        book.k = slope(config.depth_e8, book.p0, total)
    book.status = ACTIVE
    book.f = book.target = book.f_day = book.p0
    book.units = total * UNITS_AT_PAR
    book.activated_s = book.last_oracle_s = book.now_s
    book.day = div_floor(book.now_s, DAY_S)
    book.e_day = total


def slope(depth_e8: int, p0_pico: int, pool_micro: int) -> int:
    """Return k for a market whose pool moves the price by `depth` when traded once.

    Units:   1e-18.
    Rounds:  half to even.
    """
    return div_even(depth_e8 * p0_pico * p0_pico, RATE * pool_micro)


def refund(book: Book, command: Refund) -> Applied:
    """Cancel a market that missed its soft cap and pay back the contributors at hand, to the cent.

    Raises:  Refusal.
    Source:  specification, section 6.
    """
    if book.status == FUNDING and book.now_s < book.deadline_s:
        raise Refusal("not_expired", deadline_s=book.deadline_s, now_s=book.now_s)
    if book.status != FUNDING and (book.status != CANCELLED or book.funding == 0):
        raise Refusal("nothing", status=book.status)
    book.status = CANCELLED
    paid = count = 0
    for key in sorted(book.providers.keys() & book.traders.keys()):
        units = book.provider(key).units_nano
        if units:
            amount = div_floor(units, UNITS_AT_PAR)
            book.spend(command.seq, book.account(key), -amount)
            book.keep(Provider(id=key))
            paid, count = paid + amount, count + 1
    book.funding -= paid
    if book.funding < 0:
        raise EngineBug(f"refunds exceed the contributions by {-book.funding}")
    book.post(command.seq, to.FUNDS, -paid)
    return Applied("refund", {"paid_micro": paid, "providers": count, "left_micro": book.funding})


def claim(book: Book, command: Claim) -> Applied:
    """Pay a provider the whole micro-USDC of fees they have earned; the fraction stays theirs.

    Raises:  Refusal.
    Rounds:  down.
    Source:  specification, section 16.
    """
    was = book.provider(command.trader)
    owed = was.owed + was.units_nano * (book.acc - was.acc_paid)
    amount, rest = divmod(owed, ACC_SCALE)
    if amount == 0:
        raise Refusal("nothing", claimable_micro=0)
    book.owed -= amount * ACC_SCALE
    book.lp_fees -= amount
    book.post(command.seq, to.LP_FEES, -amount)
    book.spend(command.seq, book.account(command.trader), -amount)
    claimed = was.claimed_micro + amount
    book.keep(replace(was, acc_paid=book.acc, owed=rest, claimed_micro=claimed))
    return Applied("claim", {"amount_micro": amount})


def claimable(state: MarketState, provider: Provider) -> int:
    """Return the fees a provider could claim now.

    Units:   micro-USDC.
    Rounds:  down.
    """
    owed = provider.owed + provider.units_nano * (state.acc - provider.acc_paid)
    return div_floor(owed, ACC_SCALE)
