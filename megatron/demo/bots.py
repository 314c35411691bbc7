"""Bots that trade at a gentle rate through the same door as everybody else.

They are here to be looked at, not to make a price: each knows only the oracle's view and its own
mood, and what they do is random by design. They are labelled as bots on every page.
"""

import random
from dataclasses import dataclass

import structlog

from exchange import clock
from exchange.engines.units import MICRO
from exchange.errors import MegatronError, Unprocessable
from exchange.models import LiveState, Market, Position, User
from exchange.services import commands

ORDER_USDC_MAX = 220

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """What a bot has decided to do."""

    kind: str
    payload: dict[str, int]


def decide(dice: random.Random, live: LiveState, position: Position | None) -> Order:
    """Choose an order: buyers like a price below the oracle's view, holders sell above it."""
    tick = live.last_tick
    gap = float(tick["fundamental"]) / float(tick["market"]) - 1
    held = position.shares_nano if position else 0
    sells = held > 0 and dice.random() < min(0.85, max(0.15, 0.45 - 30 * gap))
    if sells:
        return Order("sell", {"shares_nano": max(1, held * dice.randint(20, 100) // 100)})
    dollars = 1 + dice.expovariate(1 / 45)
    return Order("buy", {"amount_micro": int(min(dollars, ORDER_USDC_MAX) * MICRO)})


def trade_once(dice: random.Random, users: list[User], name: str) -> bool:
    """Let one bot place one order in one market that trades. A refusal is an answer."""
    market = _market(dice)
    if market is None or not users:
        return False
    user = dice.choice(users)
    live = LiveState.objects.get(market=market)
    position = Position.objects.filter(user=user, market=market).first()
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
