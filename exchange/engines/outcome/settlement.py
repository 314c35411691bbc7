"""One batch from end to end: messages in the order of their times, then what the house decides."""

from collections.abc import Mapping, Sequence

from exchange.engines.engine import Rejected
from exchange.engines.outcome import orders, rounds
from exchange.engines.outcome.accounts import Entry
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.commands import (
    CancelOrder,
    Command,
    Eliminate,
    Gate,
    Message,
    PlaceOrder,
    Resolve,
)
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.frontier import Frontier
from exchange.engines.outcome.results import (
    Cancelled,
    Eliminated,
    Gated,
    Placed,
    Resolved,
    Result,
    Settlement,
    Tick,
)
from exchange.engines.outcome.state import SETTLED, MarketState, Outcome, Trader

Answer = Entry | Cancelled | Eliminated | Resolved | Gated | Rejected


def apply(
    config: Config,
    state: MarketState,
    traders: Mapping[int, Trader],
    commands: Sequence[Command],
    now_ms: int,
    *,
    frontier: Frontier | None = None,
) -> Settlement:
    """Apply `commands` at one instant and return everything that follows from them.

    Orders and cancellations are processed by (ts_ms, seq), whatever order they come in; then prices
    are published; then gates, eliminations and the resolution are carried out as given. A message
    that a rule refuses is answered with Rejected and changes nothing but gas. The clock of the
    market never goes back: the batch runs at the later of `now_ms` and the state's time.

    Shapes:  results are as many as commands and in their order, each as the end of the batch has
             left it; traders and orders are those that changed.
    Raises:  EngineBug, if a trader a command names is neither in `traders` nor in the frontier.
    Keeps:   what `check_invariants` checks.
    Source:  specification, section 6.1.
    """
    book = Book(config, state, traders, now_ms, frontier)
    answers: dict[int, Answer] = {}
    messages = [c for c in commands if isinstance(c, PlaceOrder | CancelOrder)]
    for message in sorted(messages, key=_turn):
        book.seq = message.seq
        if isinstance(message, PlaceOrder):
            answers[message.seq] = orders.place(book, message)
        else:
            answers[message.seq] = orders.cancel(book, message)
    if book.status != SETTLED:
        book.publish()
    for command in commands:
        if not isinstance(command, PlaceOrder | CancelOrder):
            book.seq = command.seq
            answers[command.seq] = _of_house(book, command)
    return _settled(book, [answers[command.seq] for command in commands])


def quote(
    config: Config,
    state: MarketState,
    trader: Trader,
    command: Command,
    now_ms: int,
    *,
    frontier: Frontier | None = None,
) -> Settlement:
    """Return what `command` alone would bring about now; nothing is kept of it.

    Source:  specification, section 11, preview.
    """
    return apply(config, state, {trader.id: trader}, (command,), now_ms, frontier=frontier)


def _of_house(book: Book, command: Eliminate | Resolve | Gate) -> Answer:
    match command:
        case Eliminate():
            return rounds.eliminate(book, command)
        case Gate():
            return rounds.gate(book, command)
        case Resolve():
            return rounds.resolve(book, command)


def _turn(message: Message) -> tuple[int, int]:
    return message.ts_ms, message.seq


def _settled(book: Book, answers: Sequence[Answer]) -> Settlement:
    results: list[Result] = [
        Placed(answer.frozen()) if isinstance(answer, Entry) else answer for answer in answers
    ]
    traders = {key: account.frozen() for key, account in book.accounts.items()}
    written = {key: entry.frozen() for key, entry in book.entries.items()}
    return Settlement(
        state=_state(book),
        traders={key: now for key, now in traders.items() if now != book.accounts[key].was},
        orders={key: now for key, now in written.items() if now != book.entries[key].was},
        results=tuple(results),
        fills=tuple(book.fills),
        postings=tuple(book.postings),
        tick=_tick(book),
    )


def _state(book: Book) -> MarketState:
    amm = book.amm
    return MarketState(
        status=book.status,
        t_ms=book.now_ms,
        era_start_ms=book.era_start_ms,
        z_e9=amm.z,
        z_ref_e9=amm.z_ref,
        energy=amm.energy,
        outcomes=tuple(
            Outcome(
                active=i in amm.active,
                yes_micro=amm.supply[2 * i],
                no_micro=amm.supply[2 * i + 1],
                virtual_yes_micro=amm.virtual[2 * i],
                virtual_no_micro=amm.virtual[2 * i + 1],
                pairs_micro=book.pairs[i],
                yes_pico=book.published[2 * i],
                no_pico=book.published[2 * i + 1],
            )
            for i in range(book.config.n_outcomes)
        ),
        pool_micro=book.pool,
        fees_micro=book.fees,
        seigniorage_micro=book.seigniorage,
        gas_micro=book.gas,
        last_joined=book.last_joined,
        winner=book.winner,
    )


def _tick(book: Book) -> Tick:
    active = frozenset(book.amm.active)
    return Tick(
        t_ms=book.now_ms,
        z_e9=book.amm.z,
        prices_pico=tuple(
            (book.published[2 * i], book.published[2 * i + 1]) if i in active else None
            for i in range(book.config.n_outcomes)
        ),
        backing_exact=book.backing,
        redemption_micro=book.redemption,
        pool_micro=book.pool,
    )
