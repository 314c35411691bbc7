"""What an order would do now: the engine itself, run on the newest state and thrown away.

It is not binding: other orders of the tick may come first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from django.db import connection

from exchange.engines import outcome
from exchange.engines.engine import Rejected
from exchange.engines.units import PICO
from exchange.errors import Malformed
from exchange.models import Participant, Session
from exchange.selectors.outcome import configs, portfolio
from exchange.selectors.outcome.frontier import StoredBook
from exchange.selectors.outcome.sessions import elapsed_ms
from exchange.selectors.raw import Raw

VISITOR_CASH_MICRO = 10**12
ORDER_SEQ, EXIT_SEQ = 2**61, 2**61 + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """An order as it would go: either refused with its numbers, or what it would bring.

    `order` is what becomes of it, auto-fills included; `average_pico` is net of the rebate, and
    `slippage_e9` compares it with the published price. `cash_micro` is what the free cash changes
    by, `locked_micro` what would rest as escrow. `prices` are the published ones after it.
    `pays_micro` is what comes if the tokens win, `exit_micro` what selling them at once would pay.
    """

    refused: Rejected | None
    order: outcome.Order | None
    before: outcome.Trader
    after: outcome.Trader
    state: outcome.MarketState
    prices_before: tuple[tuple[int, int], ...]
    prices: tuple[tuple[int, int], ...]
    gas_micro: int
    average_pico: int | None
    reference_pico: int
    slippage_e9: int | None
    cash_micro: int
    locked_micro: int
    pays_micro: int
    exit_micro: int
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A market as of its newest tick, and somebody before it who tries orders out."""

    config: outcome.Config
    state: outcome.MarketState
    trader: outcome.Trader
    frontier: StoredBook
    now_ms: int

    def command(self, order: Mapping[str, Any], now_ms: int) -> outcome.PlaceOrder:
        """Return an order as the engine takes it."""
        return outcome.PlaceOrder(seq=ORDER_SEQ, trader=self.trader.id, ts_ms=now_ms, **order)

    def quoted(self, order: Mapping[str, Any], now_ms: int) -> outcome.Settlement:
        """Return what an order alone would bring about at a time; nothing is kept of it."""
        command = self.command(order, now_ms)
        return outcome.quote(
            self.config, self.state, self.trader, command, now_ms, frontier=self.frontier
        )

    def tried(self, order: Mapping[str, Any], now_ms: int) -> tuple[outcome.Result, outcome.Trader]:
        """Return an order's answer, and who asked as they would be after it."""
        done = self.quoted(order, now_ms)
        return done.results[0], done.traders.get(self.trader.id, self.trader)


def table(session: Session, participant: Participant | None) -> Table:
    """Return where orders are tried out. Without a participant there is plenty of money."""
    config = configs.config_of(session.market.config)
    state = outcome.MarketState.from_mapping(session.market.live.state)
    return Table(
        config=config,
        state=state,
        trader=portfolio.trader(participant) if participant else _visitor(config),
        frontier=_book(session, config.n_outcomes),
        now_ms=max(elapsed_ms(session, config), state.t_ms),
    )


def preview(session: Session, participant: Participant | None, order: Mapping[str, Any]) -> Preview:
    """Return what an order would do. Without a participant it is tried with plenty of money.

    `order` has side, outcome, token, size_micro, and what else `order_place` takes.
    Raises:  Malformed for an outcome that the session does not have.
    """
    if not 0 <= order["outcome"] < len(session.outcomes):
        number = order["outcome"]
        raise Malformed(f"there is no outcome {number}", fields={"outcome": number})
    at = table(session, participant)
    config, state, before, now_ms = at.config, at.state, at.trader, at.now_ms
    command = at.command(order, now_ms)
    token = outcome.token_of(command.outcome, command.token)
    done = at.quoted(order, now_ms)
    after = done.traders.get(before.id, before)
    result = done.results[0]
    placed = result.order if isinstance(result, outcome.Placed) else None
    reference = _prices(state)[command.outcome][command.token]
    average = _average(placed)
    gas = min(config.gas_fee_micro, before.cash_micro)
    gained = after.held_micro[token] - before.held_micro[token] if placed else 0
    return Preview(
        refused=result if isinstance(result, Rejected) else None,
        order=placed,
        before=before,
        after=after,
        state=done.state,
        prices_before=_prices(state),
        prices=_prices(done.state),
        gas_micro=gas,
        average_pico=average,
        reference_pico=reference,
        slippage_e9=_slippage(average, reference, buys=command.side == outcome.BUY),
        cash_micro=after.cash_micro - before.cash_micro,
        locked_micro=after.reserved_micro - before.reserved_micro,
        pays_micro=max(0, gained),
        exit_micro=_exit(session, config, state, (before, command, gained)),
        tick=now_ms // config.batch_ms + 1,
    )


def _book(session: Session, outcomes: int) -> StoredBook:
    connection.ensure_connection()
    book = StoredBook(cast("Raw", connection.connection), session.market_id, outcomes)
    book.take_fronts(book.ask_fronts().fetchall())
    book.meet(book.owners())
    return book


def _visitor(config: outcome.Config) -> outcome.Trader:
    none = (0,) * (2 * config.n_outcomes)
    return outcome.Trader(id=0, cash_micro=VISITOR_CASH_MICRO, held_micro=none, locked_micro=none)


def _prices(state: outcome.MarketState) -> tuple[tuple[int, int], ...]:
    return tuple((row.yes_pico, row.no_pico) for row in state.outcomes)


def _average(order: outcome.Order | None) -> int | None:
    """Return the average price net of the rebate, which belongs to the price."""
    if order is None or not order.filled_micro:
        return None
    rebate = -order.rebate_micro if order.buys else order.rebate_micro
    return (order.amount_micro + rebate) * PICO // order.filled_micro


def _slippage(average: int | None, reference: int, *, buys: bool) -> int | None:
    """Return how much worse than the published price the average is, negative where better."""
    if average is None or not reference:
        return None
    worse = average - reference if buys else reference - average
    return worse * 10**9 // reference


def _exit(
    session: Session,
    config: outcome.Config,
    state: outcome.MarketState,
    bought: tuple[outcome.Trader, outcome.PlaceOrder, int],
) -> int:
    """Return what selling at once what a buy has brought would pay, fees taken."""
    trader, command, size = bought
    if size <= 0:
        return 0
    back = replace(
        command,
        seq=EXIT_SEQ,
        ts_ms=command.ts_ms,
        side=outcome.SELL,
        size_micro=size,
        price_micro=None,
        max_slippage_e9=10**9,
        auto_fill=False,
    )
    done = outcome.apply(
        config,
        state,
        {trader.id: trader},
        (command, back),
        command.ts_ms,
        frontier=_book(session, config.n_outcomes),
    )
    sold = done.results[1]
    if not isinstance(sold, outcome.Placed):
        return 0
    return sold.order.amount_micro + sold.order.rebate_micro - sold.order.fee_micro
