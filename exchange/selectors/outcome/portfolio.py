"""What a participant has in a session and what it is worth: now, and under each outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from exchange.engines import outcome
from exchange.engines.units import PICO
from exchange.models import Account, Command, Holding, OutcomeOrder, Participant, Session
from exchange.selectors.outcome import configs

# The incoming side of a mint buys the token of the fill, its counterparty (`seller`) the other one;
# the incoming side of a merge sells the token, its counterparty (`buyer`) gives up the other one.
COSTS = """
    SELECT CASE WHEN is_other THEN token # 1 ELSE token END, sum(size_micro)::bigint,
           sum(CASE WHEN is_other THEN size_micro - amount_micro ELSE amount_micro END)::bigint
      FROM (SELECT *, (kind = 'mint' AND seller = %(user)s) AS is_other
              FROM exchange_outcomefill WHERE market_id = %(market)s
               AND ((buyer = %(user)s AND kind <> 'merge')
                    OR (seller = %(user)s AND kind = 'mint'))) x
     GROUP BY 1"""


OPEN_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingView:
    """Tokens of one kind: how many, what buying them took on average, what they are worth now."""

    outcome: int
    token: int
    free_micro: int
    locked_micro: int
    bought_micro: int
    cost_micro: int
    price_pico: int

    @property
    def size_micro(self) -> int:
        """All of them."""
        return self.free_micro + self.locked_micro

    @property
    def value_micro(self) -> int:
        """What they are worth at the published price, rounded down."""
        return self.size_micro * self.price_pico // PICO

    @property
    def average_pico(self) -> int | None:
        """What one cost on average when they were bought, fees apart."""
        return self.cost_micro * PICO // self.bought_micro if self.bought_micro else None

    @property
    def if_right_micro(self) -> int:
        """What they pay if they win."""
        return self.size_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioView:
    """A participant's money and tokens. `worth_micro` counts tokens at the published prices.

    `if_wins` says for each outcome in play what everything would come to if it won now.
    """

    participant: Participant
    cash_micro: int
    reserved_micro: int
    holdings: tuple[HoldingView, ...]
    worth_micro: int
    if_wins: dict[int, int]
    open_orders: int
    waiting: int


def portfolio(participant: Participant) -> PortfolioView:
    """Return what somebody has in a session."""
    session = participant.session
    state = outcome.MarketState.from_mapping(session.market.live.state)
    cash, reserved = money(participant)
    held = tuple(_holdings(participant, state))
    rows = OutcomeOrder.objects.filter(market_id=session.market_id, user_id=participant.user_id)
    waiting = Command.objects.filter(
        market_id=session.market_id, user_id=participant.user_id, batch_seq=None
    )
    liquid = cash + reserved
    return PortfolioView(
        participant=participant,
        cash_micro=cash,
        reserved_micro=reserved,
        holdings=held,
        worth_micro=liquid + sum(row.value_micro for row in held),
        if_wins={w: liquid + sum(_pays(row, w) for row in held) for w in state.active},
        open_orders=rows.filter(status__in=("open", "partial"), joined__gt=0).count(),
        waiting=waiting.count(),
    )


def money(participant: Participant) -> tuple[int, int]:
    """Return somebody's free money for a session, and what their orders there have set aside."""
    session = participant.session
    place = {"market_id": session.market_id} if session.is_play else {"market": None}
    kind = "play_cash" if session.is_play else "cash"
    aside = "play_reserved" if session.is_play else "reserved"
    rows = Account.objects.filter(user_id=participant.user_id)
    cash = rows.filter(kind=kind, **place).values_list("balance_micro", flat=True).first()
    reserved = rows.filter(kind=aside, market_id=session.market_id)
    return cash or 0, reserved.values_list("balance_micro", flat=True).first() or 0


def trader(participant: Participant) -> outcome.Trader:
    """Return a participant as the engine sees them."""
    session = participant.session
    count = 2 * configs.config_of(session.market.config).n_outcomes
    held, locked = [0] * count, [0] * count
    for row in Holding.objects.filter(market_id=session.market_id, user_id=participant.user_id):
        held[row.token], locked[row.token] = row.free_micro, row.locked_micro
    cash, reserved = money(participant)
    return outcome.Trader(
        id=participant.user_id,
        cash_micro=cash,
        reserved_micro=reserved,
        held_micro=tuple(held),
        locked_micro=tuple(locked),
    )


def orders(
    participant: Participant, *, open_only: bool = False, before: int | None = None, limit: int = 50
) -> list[OutcomeOrder]:
    """Return somebody's orders, the newest first, one more than `limit` where there are more."""
    rows = OutcomeOrder.objects.filter(
        market_id=participant.session_id, user_id=participant.user_id
    )
    if open_only:
        rows = rows.filter(status__in=("open", "partial"), joined__gt=0)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[: limit + 1])


def asked(
    participant: Participant, *, open_only: bool = False, before: int | None = None, limit: int = 50
) -> list[Command]:
    """Return everything somebody asked, refused or waiting included, the newest first.

    With `open_only`, what rests now.
    """
    rows = Command.objects.filter(market_id=participant.session_id, user_id=participant.user_id)
    if open_only:
        resting = orders(participant, open_only=True, limit=OPEN_MAX)
        rows = rows.filter(seq__in=[row.ref for row in resting])
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[: limit + 1])


def orders_by_ref(session: Session, refs: Sequence[int]) -> dict[int, OutcomeOrder]:
    """Return orders by their numbers, as the newest tick has left them."""
    rows = OutcomeOrder.objects.filter(market_id=session.market_id, ref__in=refs)
    return {row.ref: row for row in rows}


def _holdings(participant: Participant, state: outcome.MarketState) -> list[HoldingView]:
    rows = Holding.objects.filter(market_id=participant.session_id, user_id=participant.user_id)
    bought = _bought(participant)
    found = []
    for row in rows.order_by("token"):
        if row.free_micro or row.locked_micro:
            side = row.token & 1
            published = state.outcomes[row.token >> 1]
            size, cost = bought.get(row.token, (0, 0))
            found.append(
                HoldingView(
                    outcome=row.token >> 1,
                    token=side,
                    free_micro=row.free_micro,
                    locked_micro=row.locked_micro,
                    bought_micro=size,
                    cost_micro=cost,
                    price_pico=published.no_pico if side else published.yes_pico,
                )
            )
    return found


def _bought(participant: Participant) -> dict[int, tuple[int, int]]:
    """Return for each token how many somebody has bought in all, and what that took."""
    wanted: dict[str, Any] = {"user": participant.user_id, "market": participant.session_id}
    with connection.cursor() as cursor:
        cursor.execute(COSTS, wanted)
        rows = cursor.fetchall()
    return {token: (size, paid) for token, size, paid in rows}


def _pays(row: HoldingView, winner: int) -> int:
    wins = (row.outcome == winner) == (row.token == outcome.YES)
    return row.size_micro if wins else 0
