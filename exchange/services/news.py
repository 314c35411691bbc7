"""What a batch tells the world: the tick, the trades, the oracle's moves, and each user's own."""

import json
from typing import Any

from exchange.engines import units, variable
from exchange.engines.variable.results import COMMAND
from exchange.services.batch import Batch

TRADES_MAX = 50
PRICE_PLACES = 6
PICO_TO_PLACES = units.PICO // 10**PRICE_PLACES

Json = dict[str, Any]


def price(pico: int) -> str:
    """Return a price with six decimals, rounded down, as it travels to browsers."""
    return units.format_fixed(pico // PICO_TO_PLACES, PRICE_PLACES)


def micro(amount: int) -> str:
    """Return micro-USDC as a decimal string."""
    return units.format_fixed(amount, 6)


def tick(seq: int, now_s: int, done: variable.Settlement) -> Json:
    """Return the tick in the form that is published and kept as the market's newest."""
    t, state = done.tick, done.state
    return {
        "seq": seq,
        "t": now_s,
        "market": price(t.market_pico),
        "fundamental": price(t.fundamental_pico),
        "display": price(t.display_pico),
        "target": price(state.target_pico),
        "oracle_s": state.last_oracle_s,
        "volume": micro(t.volume_micro),
        "supply": units.format_fixed(t.supply_nano, 9),
        "pool": micro(t.pool_micro),
        "equity": micro(t.equity_micro),
        "free_capital": micro(t.free_capital_micro),
        "clamped": t.clamped,
        "status": state.status,
    }


def of_batch(batch: Batch, done: variable.Settlement, tick_: Json) -> tuple[str, str]:
    """Return the public and the private part of a batch's news, as JSON."""
    public: Json = {"tick": tick_}
    if done.fills:
        public["trades"] = [_trade(batch, f) for f in done.fills[-TRADES_MAX:]]
    for result in done.results:
        if isinstance(result, variable.Applied) and result.kind == "oracle":
            figures: Json = result.fields
            public["oracle"] = {
                "applied": price(figures["applied_pico"]),
                "clamps": list(figures["clamps"]),
            }
    return json.dumps(public), json.dumps(_private(batch, done))


def _private(batch: Batch, done: variable.Settlement) -> Json:
    """Return each changed trader's own news: money, position, and what others set off for them."""
    private: Json = {}
    for trader in done.traders.values():
        balance = batch.cash.get(trader.id)
        private[str(trader.id)] = {
            "cash": micro(trader.cash_micro),
            "version": balance.version if balance else 0,
            "shares": units.format_fixed(trader.shares_nano, 9),
        }
    for fill in done.fills:
        if fill.cause != COMMAND:
            own = private[str(fill.trader)].setdefault("fills", [])
            own.append({**_trade(batch, fill), "cause": fill.cause, "leg": fill.leg})
    return private


def _trade(batch: Batch, fill: variable.Fill) -> Json:
    return {
        "n": fill.seq,
        "side": fill.side,
        "shares": units.format_fixed(fill.shares_nano, 9),
        "value": micro(fill.value_micro),
        "price": price(fill.price_pico),
        "t": batch.now_s,
    }
