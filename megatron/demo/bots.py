"""Bots that trade at a gentle rate through the same door as everybody else.

They are here to be looked at, not to make a price: each knows only the oracle's view and its own
mood, and what they do is random by design. They are labelled as bots on every page.
"""

import random
from dataclasses import dataclass
from typing import Any

import structlog

from exchange import clock
from exchange.engines.units import MICRO, NANO, PICO
from exchange.errors import MegatronError, Unprocessable
from exchange.models import LiveState, Market, Position, User
from exchange.selectors import portfolio
from exchange.services import commands

ORDER_USDC_MAX = 220
# How often a bot protects what it holds, and how often it leaves an order instead of trading.
PROTECTS, WAITS = 0.03, 0.08
WAITING_MAX = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """What a bot has decided to do: a command of the market."""

    kind: str
    payload: dict[str, Any]


def decide(dice: random.Random, live: LiveState, position: Position | None) -> Order:
    """Choose an order: buyers like a price below the oracle's view, sellers one above it.

    Now and then it is one that waits: a limit order beside the price, or a stop and a target.
    """
    tick = live.last_tick
    market, fundamental = float(tick["market"]), float(tick["fundamental"])
    held = position.shares_nano if position else 0
    mood = dice.random()
    if held and mood < PROTECTS:
        return _targets(market, held)
    sells = dice.random() < min(0.85, max(0.15, 0.48 - 30 * (fundamental / market - 1)))
    if mood > 1 - WAITS:
        return _limit(dice, market, sells=sells)
    dollars = min(1 + dice.expovariate(1 / 45), ORDER_USDC_MAX)
    if (held > 0) == sells and held:
        share = dice.randint(20, 100)
        payload = {"shares_nano": max(1, abs(held) * share // 100), "reduce_only": True}
        return Order("sell" if sells else "buy", payload)
    if sells:
        return Order("sell", {"shares_nano": int(dollars / market * NANO)})
    return Order("buy", {"amount_micro": int(dollars * MICRO)})


def _targets(market: float, held: int) -> Order:
    away = 0.08 if held > 0 else -0.08
    levels = {"stop_pico": market * (1 - away), "target_pico": market * (1 + away)}
    return Order("targets", {name: int(price * PICO) for name, price in levels.items()})


def _limit(dice: random.Random, market: float, *, sells: bool) -> Order:
    away = dice.uniform(0.002, 0.009)
    price = market * (1 + away if sells else 1 - away)
    shares = dice.uniform(5, 40) / market
    payload: dict[str, Any] = {
        "intent": "open_short" if sells else "open_long",
        "shares_nano": int(shares * NANO),
        "price_pico": int(price * PICO),
    }
    if sells:
        payload["margin_micro"] = int(shares * price * 1.2 * MICRO)
    return Order("limit", payload)


def trade_once(dice: random.Random, users: list[User], name: str) -> bool:
    """Let one bot place one order in one market that trades. A refusal is an answer."""
    market = _market(dice)
    if market is None or not users:
        return False
    user = dice.choice(users)
    live = LiveState.objects.get(market=market)
    position = Position.objects.filter(user=user, market=market).first()
    waiting = portfolio.resting(user, market)
    if len(waiting) > WAITING_MAX:
        order = Order("cancel", {"ref": waiting[-1].ref})
    else:
        order = decide(dice, live, position)
    try:
        commands.submit(
            market_id=market.pk, kind=order.kind, payload=order.payload, key=name, user_id=user.pk
        )
    except Unprocessable as refusal:
        log.debug("bot.refused", code=refusal.code, market=market.slug)
        return False
    except MegatronError as fault:
        log.warning("bot.failed", code=fault.code, market=market.slug)
        return False
    return True


def key() -> str:
    """Return a key for one bot order; the clock and chance make it unique enough for bots."""
    return f"bot-{clock.now_ms()}-{random.getrandbits(32):08x}"


def _market(dice: random.Random) -> Market | None:
    rows = list(Market.objects.filter(status=Market.Status.ACTIVE, is_demo=True).order_by("id"))
    return dice.choice(rows) if rows else None
