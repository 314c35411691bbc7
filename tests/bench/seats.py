"""Sessions with people in them, and the orders that such people might send next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from exchange.engines import outcome
from exchange.engines.outcome.scales import LOT
from exchange.engines.units import MICRO
from exchange.models import Holding, LiveState, Participant, Session, User
from exchange.services.sessions import drafts, lobby
from tests.bench import place

OUTCOMES = 10
CENT = MICRO // 100
TOKENS = (1, 30)
# How far from the published price limits lie, in cents; some cross it.
APART = (-1, 12)
# Shares of buys and of sells at the market; the rest are limit orders, buys and sells alike.
BUYS, SELLS = 0.45, 0.35
# Everything that a session can have switched on; the fund is large enough to end no run early.
PARAMETERS: dict[str, Any] = {
    "z": "20000",
    "zeta_start": "0.1",
    "zeta_end": "0.05",
    "cm_enabled": True,
    "af_enabled": True,
    "vc_enabled": True,
    "mr_enabled": True,
    "gas_fee": "0.01",
    "default_max_slippage": "0.9",
    "starting_balance": "100000",
    "total_duration_ms": str(7 * 24 * 3_600_000),
}


def opened(*, money: str, batch_ms: int) -> Session:
    """Make a session of ten outcomes with every feature on, its lobby open."""
    cash = place.CASH_MICRO if money == Session.Money.REAL else 0
    host = User.objects.get(pk=place.people(1, cash_micro=cash or MICRO)[0])
    host.is_superuser = True
    host.save(update_fields=["is_superuser"])
    draft = drafts.Draft(
        name="Bench",
        labels=[drafts.Label(f"Outcome {n}") for n in range(OUTCOMES)],
        money=money,
        parameters={**PARAMETERS, "batch_ms": str(batch_ms)},
    )
    session = drafts.session_create(host=host, draft=draft)
    lobby.lobby_open(host=host, session=session)
    return session


def joined(session: Session, count: int) -> list[str]:
    """Let so many people in through the service; return the tokens that guests get."""
    users: list[User | None] = [None] * count
    if not session.is_play:
        found = User.objects.in_bulk(place.people(count))
        users = list(found.values())
    asked = (lobby.join(session=session, name=f"P {n}", user=u) for n, u in enumerate(users))
    return [secret or "" for _, secret in asked]


def seated(session: Session) -> list[Participant]:
    """Return everybody of a session, as a view would have them."""
    session.market.refresh_from_db()
    session.refresh_from_db()
    people = list(session.participants.select_related("user").order_by("pk"))
    for participant in people:
        participant.session = session
    return people


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody asks next, in the words of the service."""

    user: int
    side: str
    outcome_no: int
    token: int
    size_micro: int
    price_micro: int | None = None
    auto_fill: bool = False

    def to_mapping(self) -> dict[str, Any]:
        """Return it without who asks."""
        names = ("side", "outcome_no", "token", "size_micro", "price_micro", "auto_fill")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Mind:
    """Draws orders that make sense: nobody sells what they lack, limits lie near the prices."""

    session: Session
    users: Sequence[int]
    random: Random = field(default_factory=lambda: Random(0))
    held: dict[tuple[int, int], int] = field(default_factory=dict)
    prices: list[list[int]] = field(default_factory=list)

    def look(self) -> None:
        """Read the newest prices, and what everybody has."""
        rows = Holding.objects.filter(market_id=self.session.market_id, free_micro__gte=LOT)
        self.held = {(u, t): free for u, t, free in rows.values_list("user", "token", "free_micro")}
        tick = LiveState.objects.get(market_id=self.session.market_id).last_tick
        self.prices = [[round(float(p) * 100) for p in pair] for pair in tick["prices"]]

    def asks(self, count: int) -> list[Ask]:
        """Return orders of every kind."""
        return [self._one() for _ in range(count)]

    def buys(self, count: int) -> list[Ask]:
        """Return buys at the market, so that there is something to sell afterwards."""
        return [self._buy() for _ in range(count)]

    def rests(self, count: int) -> list[Ask]:
        """Return limit orders that rest, on both sides, every other one open to auto-fills."""
        return [self._limit(apart=1) for _ in range(count)]

    def _one(self) -> Ask:
        drawn = self.random.random()
        if drawn < BUYS:
            return self._buy()
        return self._sell() if drawn < BUYS + SELLS else self._limit(APART[0])

    def _buy(self) -> Ask:
        return Ask(
            user=self.random.choice(self.users),
            side=outcome.BUY,
            outcome_no=self.random.randrange(OUTCOMES),
            token=self.random.randrange(2),
            size_micro=self._size(),
        )

    def _sell(self) -> Ask:
        if not self.held:
            return self._buy()
        user, token = self.random.choice(list(self.held))
        size = self._out_of(user, token)
        return Ask(
            user=user, side=outcome.SELL, outcome_no=token >> 1, token=token & 1, size_micro=size
        )

    def _limit(self, apart: int) -> Ask:
        cents = self.random.randint(apart, APART[1])
        is_sell = bool(self.held) and self.random.random() < 0.5
        found = self._sell() if is_sell else self._buy()
        price = self.prices[found.outcome_no][found.token]
        wanted = price + cents if found.side == outcome.SELL else price - cents
        return Ask(
            **{
                **found.to_mapping(),
                "user": found.user,
                "price_micro": min(max(wanted, 1), 99) * CENT,
                "auto_fill": self.random.random() < 0.5,
            }
        )

    def _size(self) -> int:
        return self.random.randint(*TOKENS) * MICRO

    def _out_of(self, user: int, token: int) -> int:
        """Take a size out of what somebody has, so that it is not sold twice."""
        have = self.held.pop((user, token))
        size = min(have, self._size())
        if have - size >= LOT:
            self.held[user, token] = have - size
        return size // LOT * LOT
