"""The words for what happened and what was asked: causes, legs, kinds of orders, sentences."""

from collections.abc import Callable
from typing import Any

from exchange import figures
from exchange.engines import variable
from exchange.models import Command, Fill

# What brought a fill about.
CAUSES = {
    "command": "order",
    "commit": "waited for the oracle",
    "limit": "limit order",
    "stop": "stop-loss",
    "target": "take-profit",
    "exit": "timed exit",
    "margin": "liquidated",
}
LEGS = {
    "open_long": "opens a long",
    "close_long": "closes a long",
    "open_short": "opens a short",
    "cover_short": "closes a short",
    "liquidation": "closes a short by force",
}
INTENTS = {
    "open_long": "Buy, opening a long",
    "close_long": "Sell, closing the long",
    "open_short": "Sell short",
    "close_short": "Buy, closing the short",
}
KINDS = {
    "buy": "Buy",
    "sell": "Sell",
    "limit": "Limit order",
    "targets": "Stop and target",
    "timed_exit": "Timed exit",
    "cancel": "Cancellation",
    "add_collateral": "Collateral added",
    "remove_collateral": "Collateral taken out",
    "contribute": "Contribution",
    "withdraw": "Withdrawal",
    "queue_withdrawal": "Queued withdrawal",
    "claim": "Fees claimed",
}
STATUSES = {
    "open": "open",
    "filled": "done",
    "cancelled": "taken back",
    "expired": "returned: it waited too long",
    "failed": "returned: the market refused it then",
}


def traded(filled: variable.Filled, ticker: str) -> str:
    """Return what a market order does, in one sentence."""
    money = f"{figures.usdc_exact(filled.net_micro)} USDC"
    size = f"{figures.shares(filled.shares_nano)} {ticker}"
    verb = "Buy" if filled.side == "buy" else "Sell"
    if len(filled.legs) > 1:
        first, second = (f"{figures.shares(leg.shares_nano)}" for leg in filled.legs[:2])
        held, new = ("short", "long") if filled.side == "buy" else ("long", "short")
        parts = f"{first} close your {held}, {second} open a {new}"
        return f"{verb} {size} for {money}: {parts}"
    leg = filled.legs[0].leg
    if leg == "open_short":
        return f"Sell {size} short for {money}"
    if leg == "cover_short":
        return f"Buy {size} for {money} to close your short"
    return f"{verb} {size} for {money}"


def filled(fill: Fill) -> str:
    """Return what one execution did, in one sentence."""
    ticker = fill.market.ticker
    verb = "bought" if fill.side == "buy" else "sold"
    if fill.leg == "open_short":
        verb = "sold short"
    elif fill.leg in {"cover_short", "liquidation"}:
        verb = "bought back"
    price = figures.price(int(fill.price_pico))
    return f"{verb} {figures.shares(fill.shares_nano)} {ticker} at {price}"


def asked(order: Command) -> str:
    """Return what somebody asked of a market, in a few words."""
    payload = order.payload
    write = ASKED.get(order.kind)
    return write(payload) if write else KINDS.get(order.kind, order.kind)


def _traded(verb: str, payload: dict[str, Any]) -> str:
    if "shares_nano" in payload:
        size = f"{verb} {figures.shares(payload['shares_nano'])} shares"
    else:
        micro = payload.get("amount_micro", payload.get("target_micro", 0))
        size = f"{verb} for {figures.usdc(micro)} USDC"
    if payload.get("reduce_only"):
        return f"{size}, close only"
    return f"{size}, or wait for the oracle" if payload.get("commit") else size


def _limit(payload: dict[str, Any]) -> str:
    size, price = figures.shares(payload["shares_nano"]), figures.price(payload["price_pico"])
    return f"{INTENTS.get(payload['intent'], payload['intent'])}: {size} at {price}"


def _targets(payload: dict[str, Any]) -> str:
    named = (("stop-loss", payload["stop_pico"]), ("take-profit", payload["target_pico"]))
    set_ = [f"{name} {figures.price(price)}" for name, price in named if price]
    text = ", ".join(set_) or "stop-loss and take-profit removed"
    return text[0].upper() + text[1:]


def _exit(payload: dict[str, Any]) -> str:
    size, every = figures.shares(payload["shares_nano"]), figures.age(payload["interval_s"])
    return f"Timed exit: {size} in {payload['chunks']} parts, one per {every}"


ASKED: dict[str, Callable[[dict[str, Any]], str]] = {
    "buy": lambda p: _traded("Buy", p),
    "sell": lambda p: _traded("Sell", p),
    "limit": _limit,
    "targets": _targets,
    "timed_exit": _exit,
    "cancel": lambda p: f"Take back order {p['ref']}",
    "add_collateral": lambda p: f"Add {figures.usdc(p['amount_micro'])} USDC of collateral",
    "remove_collateral": lambda p: f"Take out {figures.usdc(p['amount_micro'])} USDC of collateral",
    "contribute": lambda p: f"Contribute {figures.usdc(p['amount_micro'])} USDC",
    "withdraw": lambda p: f"Withdraw {figures.shares(p['units_nano'])} units",
    "queue_withdrawal": lambda p: f"Queue {figures.shares(p['units_nano'])} units",
}
