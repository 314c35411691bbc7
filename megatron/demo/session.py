"""The demonstration's session: always one that runs, with bots in it; over, it begins anew.

It resolves by itself: which outcome wins is drawn when it is made, as the end of a story is.
"""

import random
from typing import Any

import structlog

from exchange import clock
from exchange.engines import outcome
from exchange.engines.units import MICRO, PICO
from exchange.errors import MegatronError
from exchange.models import Holding, LiveState, Market, Participant, Session, User
from exchange.services.outcome import orders
from exchange.services.sessions import drafts, lobby
from exchange.services.sessions.drafts import Draft, Label
from megatron.demo import people

LASTS_MS, ROUND_MS, FREEZE_MS = 30 * 60_000, 15 * 60_000, 10_000
# How long the ranking stands before the next session begins.
REST_S = 120
TRADES, SELLS, LIMITS = 0.8, 0.3, 0.35
SIZE_MAX = 40
LOT = outcome.LOT
LABELS = (
    Label("Lighthouse", "blue"),
    Label("Windmill", "orange"),
    Label("Footbridge", "green"),
    Label("Market hall", "violet"),
)
SUMMARY = (
    "Which design wins the town's building prize? An invented jury decides when the time is up;"
    " half-way it drops one design. Play money; most who trade here are bots, and marked as bots."
)

log = structlog.get_logger()


def play_once(dice: random.Random, users: list[User]) -> bool:
    """See to it that a session runs, and let one bot place one order in it."""
    session = _newest()
    if session is None or _is_over(session):
        try:
            session = begin(dice, users)
        except MegatronError as fault:
            log.warning("bot.session_not_begun", code=fault.code)
            return False
    if session.market.status != Market.Status.RUNNING or dice.random() > TRADES:
        return False
    rows = session.participants.filter(user__in=users).select_related("user")
    found = list(rows.order_by("id"))
    return bool(found) and _trade(dice, session, dice.choice(found))


def begin(dice: random.Random, users: list[User]) -> Session:
    """Make a session, let the bots in, and start it."""
    host = User.objects.get(email=people.STAFF)
    first, second = dice.sample(range(len(LABELS)), 2)
    draft = Draft(
        name="The town's building prize",
        summary=SUMMARY,
        labels=LABELS,
        mode="high_own_high_cross",
        planned_winner=first,
        parameters={
            "z": "5000",
            "initial_price": "0.25",
            "total_duration_ms": str(LASTS_MS),
            "gas_fee": "0.05",
            "default_max_slippage": "0.1",
            "mr_enabled": True,
            "rounds": [[str(ROUND_MS), str(FREEZE_MS), [str(second)]]],
        },
    )
    session = drafts.session_create(host=host, draft=draft)
    Market.objects.filter(pk=session.market_id).update(is_demo=True)
    lobby.lobby_open(host=host, session=session)
    for user in users:
        lobby.join(session=session, name=user.public_name, user=user)
    lobby.session_start(host=host, session=session)
    return session


def _newest() -> Session | None:
    rows = Session.objects.select_related("market").filter(market__is_demo=True)
    return rows.order_by("-created_at").first()


def _is_over(session: Session) -> bool:
    if session.market.status == Market.Status.RESOLVED:
        assert session.resolved_at is not None
        return (clock.now() - session.resolved_at).total_seconds() > REST_S
    return session.market.status == Market.Status.CLOSED


def _trade(dice: random.Random, session: Session, who: Participant) -> bool:
    who.session = session
    try:
        orders.order_place(
            participant=who, key=f"bot-{dice.getrandbits(64):016x}", **_order(dice, session, who)
        )
    except MegatronError as fault:
        log.debug("bot.session_refused", code=fault.code)
        return False
    return True


def _order(dice: random.Random, session: Session, who: Participant) -> dict[str, Any]:
    """Choose an order: each bot has a favourite, and sells now and then what it holds."""
    state = outcome.MarketState.from_mapping(LiveState.objects.get(pk=session.pk).state)
    held = Holding.objects.filter(market_id=session.pk, user_id=who.user_id, free_micro__gte=LOT)
    rows = [row for row in held.order_by("token") if row.token >> 1 in state.active]
    if rows and dice.random() < SELLS:
        row = dice.choice(rows)
        lots = max(1, row.free_micro // LOT * dice.randint(20, 100) // 100)
        return {
            "side": outcome.SELL,
            "outcome_no": row.token >> 1,
            "token": row.token & 1,
            "size_micro": lots * LOT,
        }
    likes = state.active[who.user_id % len(state.active)]
    number = likes if dice.random() < 1 / 2 else dice.choice(state.active)
    token = outcome.YES if number == likes or dice.random() < 1 / 2 else outcome.NO
    asked: dict[str, Any] = {
        "side": outcome.BUY,
        "outcome_no": number,
        "token": token,
        "size_micro": dice.randint(2, SIZE_MAX) * MICRO,
    }
    if dice.random() < LIMITS:
        published = state.outcomes[number]
        price = published.no_pico if token == outcome.NO else published.yes_pico
        cents = price * 100 // PICO - dice.randint(0, 4)
        asked["price_micro"] = max(1, min(99, cents)) * MICRO // 100
        asked["auto_fill"] = dice.random() < 1 / 2
    return asked
