"""What a session's tick tells the world: prices, trades, the book, and each participant's own."""

import json
from collections.abc import Sequence
from typing import Any

from exchange.engines import outcome, units
from exchange.selectors.outcome import reports
from exchange.selectors.outcome.own_side import own_side
from exchange.services.news import micro, price
from exchange.services.outcome.batch import Batch

TRADES_MAX = 50

Json = dict[str, Any]


def figures(batch: Batch, done: outcome.Settlement) -> Json:
    """Return what a tick has come to: the maker's report, what was traded, the maker's quotes."""
    found = outcome.report(batch.config, done.state, batch.t_ms)
    return {
        "report": reports.mapping(found, batch.config.n_outcomes),
        "risk_micro": found.risk_micro,
        "profit_micro": found.profit_micro,
        "volume_micro": sum(fill.amount_micro for fill in done.fills),
        "quotes": _quotes(found, len(done.state.outcomes)),
    }


def opening(state: Json) -> Json:
    """Return the tick that stands for a session at its start: the launch prices, number 0."""
    rows = state["outcomes"]
    return {
        "seq": 0,
        "number": 0,
        "t_ms": 0,
        "prices": [[price(row["yes_pico"]), price(row["no_pico"])] for row in rows],
        "status": state["status"],
        "volume": micro(0),
        "volume_micro": 0,
        "pool": micro(state["pool_micro"]),
        "winner": None,
    }


def tick(batch: Batch, done: outcome.Settlement, found: Json) -> Json:
    """Return the tick in the form that is published and kept as the session's newest.

    Its `quotes` are what the market maker bids and asks, `pairs` those that a merge may take apart;
    both are by outcome, null where it is out of play.
    """
    volume = int(batch.last_tick.get("volume_micro", 0)) + found["volume_micro"]
    return {
        "seq": batch.batch_seq,
        "number": batch.number,
        "t_ms": batch.t_ms,
        "prices": [pair and [price(p) for p in pair] for pair in done.tick.prices_pico],
        "quotes": found["quotes"],
        "pairs": [micro(row.pairs_micro) if row.active else None for row in done.state.outcomes],
        "status": done.state.status,
        "risk": micro(found["risk_micro"]),
        "profit": micro(found["profit_micro"]),
        "volume": micro(volume),
        "volume_micro": volume,
        "pool": micro(done.state.pool_micro),
        "winner": done.state.winner,
    }


def of_batch(
    batch: Batch, done: outcome.Settlement, tick_: Json, levels: Json | None
) -> tuple[str, str]:
    """Return the public and the private part of a tick's news, as JSON."""
    public: Json = {"session": batch.code, "tick": tick_}
    if done.fills:
        public["trades"] = [trade(fill) for fill in done.fills[-TRADES_MAX:]]
    if levels is not None:
        public["book"] = levels
    return json.dumps(public), json.dumps(_private(batch, done))


def trade(fill: outcome.Fill) -> Json:
    """Return an execution as everybody may see it: no names."""
    return {
        "n": fill.seq,
        "kind": fill.kind,
        "outcome": fill.token >> 1,
        "token": "no" if fill.token & 1 else "yes",
        "side": side_of(fill),
        "size": micro(fill.size_micro),
        "amount": micro(fill.amount_micro),
        "price": price(fill.price_pico),
    }


def side_of(fill: outcome.Fill) -> str:
    """Return the side of the incoming order; of an auto-fill, that of the resting one."""
    if fill.buyer is None or fill.kind == "merge":
        return outcome.SELL
    incoming = fill.seller is None or fill.buy_order == fill.seq
    return outcome.BUY if incoming else outcome.SELL


def holdings(trader: outcome.Trader) -> list[Json]:
    """Return the tokens that somebody has."""
    rows = zip(trader.held_micro, trader.locked_micro, strict=True)
    return [
        {
            "outcome": token >> 1,
            "token": "no" if token & 1 else "yes",
            "free": micro(free),
            "locked": micro(locked),
        }
        for token, (free, locked) in enumerate(rows)
        if free or locked
    ]


def _private(batch: Batch, done: outcome.Settlement) -> Json:
    """Return each changed participant's own news: money, tokens, orders, and what was answered."""
    private: Json = {}
    for trader in done.traders.values():
        own = _own(batch, private, trader.id)
        own["cash"], own["reserved"] = micro(trader.cash_micro), micro(trader.reserved_micro)
        own["holdings"] = holdings(trader)
    for order in done.orders.values():
        _own(batch, private, order.trader).setdefault("orders", []).append(_order(order))
    for fill in done.fills:
        for user in {fill.buyer, fill.seller} - {None}:
            assert user is not None
            _own(batch, private, user).setdefault("fills", []).append(_own_trade(fill, user))
    _add_refusals(batch, done.results, private)
    return private


def _own(batch: Batch, private: Json, user: int) -> Json:
    own: Json = private.setdefault(str(user), {"session": batch.code, "seq": batch.batch_seq})
    return own


def _own_trade(fill: outcome.Fill, user: int) -> Json:
    own = own_side(fill, user)
    return {
        **trade(fill),
        "token": "no" if own.token & 1 else "yes",
        "side": own.side,
        "amount": micro(own.amount_micro),
        "price": price(own.price_pico),
    }


def _order(order: outcome.Order) -> Json:
    return {
        "ref": order.id,
        "outcome": order.token >> 1,
        "token": "no" if order.token & 1 else "yes",
        "side": outcome.BUY if order.buys else outcome.SELL,
        "status": order.status,
        "size": micro(order.size_micro),
        "remaining": micro(order.remaining_micro),
        "price": None if order.price_micro is None else units.format_fixed(order.price_micro, 6),
        "auto_fill": order.auto_fill,
    }


def _add_refusals(batch: Batch, results: Sequence[outcome.Result], private: Json) -> None:
    for n, (request, result) in enumerate(zip(batch.requests, results, strict=True), start=1):
        if isinstance(result, outcome.Rejected) and request.user_id is not None:
            refused = _own(batch, private, request.user_id).setdefault("refused", [])
            refused.append({"ref": batch.command_seq + n, "code": result.code})


def _quotes(found: outcome.Report, count: int) -> list[list[str] | None]:
    """Return YES bid, YES ask, NO bid and NO ask of every outcome."""
    quotes: list[list[str] | None] = [None] * count
    for row in found.outcomes:
        pairs = zip(row.bid_pico, row.ask_pico, strict=True)
        quotes[row.outcome] = [price(pico) for pair in pairs for pico in pair]
    return quotes
