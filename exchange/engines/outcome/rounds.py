"""Resolutions: outcomes eliminated while others go on, and the final one with its payouts."""

from collections.abc import Iterable

from exchange.engines.engine import EngineBug, Refusal, Rejected
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.commands import Eliminate, Gate, Resolve
from exchange.engines.outcome.renormalise import renormalise
from exchange.engines.outcome.results import Eliminated, Gated, Resolved
from exchange.engines.outcome.scales import WEIGHT
from exchange.engines.outcome.schedule import rates, reference
from exchange.engines.outcome.state import (
    CANCELLED,
    ENDED,
    FROZEN,
    REDUCING,
    SETTLED,
    TRADING,
)
from exchange.engines.outcome.transfers import withdraw

# The final resolution chooses among at least this many.
SURVIVORS_MIN = 2


def eliminate(book: Book, command: Eliminate) -> Eliminated | Rejected:
    """End some outcomes at once: pay their NO, void their YES, let their depth go to the others.

    Trading that stood still for it goes on.

    Source:  specification, section 9.1.
    """
    book.begin()
    try:
        _check_elimination(book, command)
    except Refusal as refusal:
        return refusal.rejected
    amm, gone = book.amm, sorted(command.outcomes)
    book.publish()
    before = sum(book.published[2 * i] for i in amm.active)
    owed = sum(amm.supply[2 * k + 1] for k in gone)
    freed = len(gone) * book.config.depth_micro - owed
    available = amm.potential(amm.z_ref) + freed * WEIGHT
    _withdraw_all(book, gone)
    paid: dict[int, int] = {}
    for k in gone:
        _redeem(book, 2 * k + 1, paid)
        _void(book, 2 * k)
        _clear(book, k)
        amm.virtual[2 * k] = amm.virtual[2 * k + 1] = 0
        book.published[2 * k] = book.published[2 * k + 1] = 0
    amm.active = [i for i in amm.active if i not in gone]
    book.era_start_ms = command.resume_ms
    z_ref = reference(book.config, len(amm.active), command.resume_ms, amm.z_ref)
    amm.set_time(rates(book.config, command.resume_ms, command.resume_ms), z_ref)
    factor = renormalise(amm, available, before, lowers=not book.config.vc_enabled)
    book.publish()
    if book.status == FROZEN:
        book.status = TRADING
    return Eliminated(
        outcomes=tuple(gone), paid=_sorted(paid), before_pico=before, factor_e9=factor
    )


def resolve(book: Book, command: Resolve) -> Resolved | Rejected:
    """End the market: the winner's YES and every other active outcome's NO are paid.

    Source:  specification, section 9.2.
    """
    book.begin()
    if book.status == SETTLED:
        return Rejected("frozen", {"status": book.status})
    if command.winner not in book.amm.active:
        return Rejected("inactive_outcome", {"outcome": command.winner})
    _withdraw_all(book, book.amm.active)
    paid: dict[int, int] = {}
    for i in book.amm.active:
        lost = int(i != command.winner)
        _redeem(book, 2 * i + lost, paid)
        _void(book, 2 * i + 1 - lost)
        _clear(book, i)
    book.amm.reprice()
    book.status, book.winner = SETTLED, command.winner
    return Resolved(winner=command.winner, paid=_sorted(paid))


def gate(book: Book, command: Gate) -> Gated | Rejected:
    """Open, narrow, stop or end trading; what rests goes on resting.

    Of the modes the stricter wins: what is frozen can only end.
    """
    if book.status == SETTLED:
        return Rejected("frozen", {"status": book.status})
    if command.mode not in {TRADING, REDUCING, FROZEN, ENDED}:
        return Rejected("args", {"reason": f"there is no mode {command.mode!r}"})
    if command.mode == ENDED or book.status not in {FROZEN, ENDED}:
        book.status = command.mode
    return Gated(book.status)


def _check_elimination(book: Book, command: Eliminate) -> None:
    active, gone = book.amm.active, command.outcomes
    if book.status in {ENDED, SETTLED}:
        raise Refusal("frozen", status=book.status)
    if not book.config.mr_enabled:
        raise Refusal("args", reason="eliminations are off in this market")
    if not gone or len(set(gone)) != len(gone):
        raise Refusal("args", reason="name each outcome once")
    for outcome in gone:
        if outcome not in active:
            raise Refusal("inactive_outcome", outcome=outcome)
    if len(active) - len(gone) < SURVIVORS_MIN:
        raise Refusal("args", reason="at least two outcomes stay until the final resolution")
    if command.resume_ms < book.now_ms:
        raise Refusal("args", reason="trading cannot resume in the past")


def _withdraw_all(book: Book, outcomes: Iterable[int]) -> None:
    for i in outcomes:
        for token in (2 * i, 2 * i + 1):
            for buys in (True, False):
                for level in book.ladder(token, buys=buys):
                    for entry in level.entries:
                        if entry.rests:
                            withdraw(book, entry, CANCELLED)


def _redeem(book: Book, token: int, paid: dict[int, int]) -> None:
    """Pay 1 USDC per token: the issued ones out of the pool, those of pairs out of their cash."""
    issued, pairs = book.amm.supply[token], book.pairs[token >> 1]
    total = 0
    for key in book.holders(token):
        account = book.account(key)
        amount, account.held[token] = account.held[token], 0
        book.pay(account, amount)
        paid[key] = paid.get(key, 0) + amount
        total += amount
    if total != issued + pairs:
        raise EngineBug(f"token {token}: held {total}, issued {issued}, in pairs {pairs}")
    book.pay_pool(-issued)
    book.pay_pairs(token >> 1, -pairs)


def _void(book: Book, token: int) -> None:
    for key in book.holders(token):
        book.account(key).held[token] = 0


def _clear(book: Book, outcome: int) -> None:
    book.amm.supply[2 * outcome] = book.amm.supply[2 * outcome + 1] = 0
    book.amm.masses[outcome] = book.amm.cash[outcome] = book.amm.depth[outcome] = 0


def _sorted(paid: dict[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(item for item in paid.items() if item[1]))
