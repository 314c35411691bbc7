"""One batch from end to end: time passes, commands are applied in order, a tick is written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exchange.engines.engine import Refusal, Rejected
from exchange.engines.rounding import div_floor
from exchange.engines.variable import commits, exits, orders, triggers, winding, withdrawals
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import (
    AddCollateral,
    Buy,
    Cancel,
    Claim,
    Command,
    Contribute,
    Heartbeat,
    OracleEvent,
    PlaceLimit,
    ProcessQueue,
    QueueWithdrawal,
    Recalibrate,
    Refund,
    RemoveCollateral,
    RunExits,
    Sell,
    SetTargets,
    Settle,
    StartExit,
    WindDown,
    WithdrawNow,
)
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE
from exchange.engines.variable.display import display, extended, slide, volume
from exchange.engines.variable.frontier import Frontier
from exchange.engines.variable.oracle_event import oracle
from exchange.engines.variable.providers import claim, contribute, refund
from exchange.engines.variable.recalibration import recalibrate
from exchange.engines.variable.results import Applied, Move, Result, Settlement, Tick, Value
from exchange.engines.variable.shifts import recentre
from exchange.engines.variable.shorts import add_collateral, remove_collateral
from exchange.engines.variable.state import ACTIVE, WINDING, MarketState, Provider, Trader
from exchange.engines.variable.trades import buy, sell
from exchange.engines.variable.vesting import DAY_S


def apply(  # noqa: PLR0917 (what a batch is given, in its order)
    config: Config,
    state: MarketState,
    traders: Mapping[int, Trader],
    providers: Mapping[int, Provider],
    commands: Sequence[Command],
    now_s: int,
    *,
    frontier: Frontier | None = None,
) -> Settlement:
    """Apply `commands` in order at one instant and return everything that follows from them.

    A command that a rule refuses is answered with Rejected and changes nothing. The clock of the
    market never goes back: the batch runs at the later of `now_s` and the state's time. Before the
    first command and after each, what waits in `frontier` or was left by the batch itself is done
    as far as it has become due.

    Shapes:  results are as many as commands and in their order; traders and providers are those
             that changed.
    Raises:  EngineBug, if a trader a command names is neither in `traders` nor in the frontier.
    Keeps:   what `check_invariants` checks.
    Source:  specification, section 7.
    """
    book = Book(config, state, traders, providers, now_s, frontier)
    causes = _Causes(book, volume(state.window))
    advance(book)
    causes.take_time()
    if commands:
        triggers.run(book, commands[0].seq)
    results = tuple([_apply_one(book, command, causes) for command in commands])
    causes.take_trades()
    return _settled(book, results, causes)


def _apply_one(book: Book, command: Command, causes: "_Causes") -> Result:
    """Apply one command, then what it has made due; an oracle event also frees the commits."""
    moves_price = type(command) is OracleEvent
    if moves_price:
        causes.take_trades()
    book.begin()
    result: Result
    try:
        result = _VERBS[type(command)](book, command)
    except Refusal as refusal:
        book.undo()
        result = refusal.rejected
    if moves_price:
        causes.take_oracle()
    triggers.run(book, command.seq)
    if moves_price and not isinstance(result, Rejected):
        _execute_commits(book, command.seq)
    return result


def quote(
    config: Config,
    state: MarketState,
    trader: Trader,
    command: Command,
    now_s: int,
    *,
    frontier: Frontier | None = None,
) -> Settlement:
    """Return what `command` alone would bring about now; nothing is kept of it."""
    people = {trader.id: trader}
    return apply(config, state, people, {}, (command,), now_s, frontier=frontier)


def advance(book: Book) -> None:
    """Let the time since the last batch pass: a new day, the volume window, recentring.

    Source:  specification, section 7, steps 1 and 2.
    """
    book.window = slide(book.window, book.now_s - book.config.vol_window_s)
    if book.status not in (ACTIVE, WINDING):
        return
    day = div_floor(book.now_s, DAY_S)
    if day != book.day:
        book.day, book.f_day, book.paid_day = day, book.f, 0
        book.e_day = div_floor(book.equity_exact, TWICE)
    recentre(book)


def _execute_commits(book: Book, seq: int) -> None:
    """Execute the committed orders after an oracle event, a settlement loop after each."""
    for order in commits.pending(book):
        commits.execute(book, seq, order)
        triggers.run(book, seq)


def _beat(book: Book, command: Heartbeat) -> Applied:
    """Do what only time brings: commits that are too old, and the chunks of timed exits."""
    fields: dict[str, Value] = {}
    if book.status in (ACTIVE, WINDING) and not book.indexes.idle:
        fields["expired"] = commits.expire(book, command.seq)
        fields["exits"] = exits.run(book, command.seq)
    return Applied("heartbeat", fields)


_VERBS: dict[type, Callable[[Book, Any], Result]] = {
    Buy: buy,
    Sell: sell,
    Contribute: contribute,
    Claim: claim,
    OracleEvent: oracle,
    Heartbeat: _beat,
    Refund: refund,
    AddCollateral: add_collateral,
    RemoveCollateral: remove_collateral,
    PlaceLimit: orders.place,
    SetTargets: orders.set_targets,
    StartExit: exits.start,
    Cancel: orders.cancel,
    RunExits: exits.run_due,
    WithdrawNow: withdrawals.withdraw_now,
    QueueWithdrawal: withdrawals.queue,
    ProcessQueue: withdrawals.process,
    WindDown: winding.wind_down,
    Settle: winding.settle,
    Recalibrate: recalibrate,
}


class _Causes:
    """Attributes each change of M and D to what brought it about, by reading both in between."""

    __slots__ = (
        "book", "display", "display_oracle", "display_recentring", "display_trades",
        "display_window", "market", "market_oracle", "market_recentring", "market_trades",
        "volume", "weight",
    )  # fmt: skip

    def __init__(self, book: Book, volume_before: int) -> None:
        self.book = book
        self.volume = volume_before
        self.market = div_floor(book.price, PRICE)
        self.display, self.weight = display(book.config, book.price, book.f, volume_before)
        self.market_trades = self.market_oracle = self.market_recentring = 0
        self.display_trades = self.display_oracle = 0
        self.display_recentring = self.display_window = 0

    def take_time(self) -> None:
        """Book what the passing of time has done: first the window, then recentring."""
        book, now = self.book, volume(self.book.window)
        if now != self.volume:
            self.volume = now
            shifted = sum(move.delta_pico for move in book.shifts)
            old = book.price - shifted * PRICE
            shown, self.weight = display(book.config, old, book.f, now)
            self.display_window = shown - self.display
            self.display = shown
        if book.shifts:
            self.market_recentring, self.display_recentring = self._read()

    def take_trades(self) -> None:
        """Book the change since the last reading as the trades' doing."""
        market, shown = self._read()
        self.market_trades += market
        self.display_trades += shown

    def take_oracle(self) -> None:
        """Book the change since the last reading as the oracle's doing."""
        market, shown = self._read()
        self.market_oracle += market
        self.display_oracle += shown

    def _read(self) -> tuple[int, int]:
        book = self.book
        market = div_floor(book.price, PRICE)
        shown, self.weight = display(book.config, book.price, book.f, self.volume + book.traded)
        parts = market - self.market, shown - self.display
        self.market, self.display = market, shown
        return parts

    def move(self) -> Move:
        """Return the parts, which sum to the whole change."""
        return Move(
            market_trades_pico=self.market_trades,
            market_oracle_pico=self.market_oracle,
            market_recentring_pico=self.market_recentring,
            display_trades_pico=self.display_trades,
            display_oracle_pico=self.display_oracle,
            display_recentring_pico=self.display_recentring,
            display_window_pico=self.display_window,
        )


def _settled(book: Book, results: tuple[Result, ...], causes: _Causes) -> Settlement:
    state = _state(book)
    touched = ((a.was, a.frozen()) for a in book.accounts.values())
    return Settlement(
        state=state,
        traders={now.id: now for was, now in touched if now != was},
        providers=dict(book.stakes),
        results=results,
        fills=tuple(book.fills),
        postings=tuple(book.postings),
        shifts=tuple(book.shifts),
        tick=_tick(book, state, causes),
        move=causes.move(),
        resting=dict(book.items),
        payouts=tuple(book.payouts),
        capital_micro=book.capital,
        bad_debt_micro=book.bad_debt,
        revalued_exact=book.revalued,
    )


def _state(book: Book) -> MarketState:
    return MarketState(
        status=book.status,
        t_s=book.now_s,
        opened_s=book.opened_s,
        deadline_s=book.deadline_s,
        activated_s=book.activated_s,
        p0_pico=book.p0,
        k_atto=book.k,
        f_pico=book.f,
        target_pico=book.target,
        long_nano=book.long,
        short_nano=book.short,
        last_oracle_s=book.last_oracle_s,
        day=book.day,
        f_day_pico=book.f_day,
        e_day_micro=book.e_day,
        paid_day_micro=book.paid_day,
        units_nano=book.units,
        acc=book.acc,
        acc_rem=book.acc_rem,
        owed=book.owed,
        clamped=book.clamped,
        backlog=book.backlog,
        pool_micro=book.pool,
        funding_micro=book.funding,
        lp_fees_micro=book.lp_fees,
        insurance_micro=book.insurance,
        treasury_micro=book.treasury,
        window=extended(book.window, book.now_s, book.traded),
        last_id=book.last_id,
        settle_at_s=book.settle_at_s,
    )


def _tick(book: Book, state: MarketState, causes: _Causes) -> Tick:
    return Tick(
        t_s=state.t_s,
        market_pico=causes.market,
        fundamental_pico=state.f_pico,
        display_pico=causes.display,
        weight_e8=causes.weight,
        volume_micro=causes.volume + book.traded,
        supply_nano=state.supply_nano,
        close_out_pico=state.close_out_pico,
        pool_micro=state.pool_micro,
        equity_micro=state.equity_micro,
        free_capital_micro=state.free_capital_micro,
        clamped=state.clamped,
    )
