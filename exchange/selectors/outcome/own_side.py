"""An execution from one participant's side: their own token, price, amount and fee."""

from dataclasses import dataclass
from datetime import datetime

from exchange.engines import outcome
from exchange.engines.units import PICO
from exchange.models import OutcomeFill


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSide:
    """What one of the two bought or sold, for how much, and what fee they paid."""

    token: int
    side: str
    amount_micro: int
    price_pico: int
    fee_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFill(OwnSide):
    """A stored execution from the side of one participant."""

    pk: int
    at: datetime
    kind: str
    size_micro: int


def own_side(fill: outcome.Fill | OutcomeFill, user: int) -> OwnSide:
    """Return an execution as one of its two participants has it.

    A fill is written from the incoming side of a mint or merge; whoever rested has the other token
    at what is left of 1 USDC per pair.
    """
    buys = fill.buyer == user
    if fill.kind in {"mint", "merge"} and buys != (fill.kind == "mint"):
        return OwnSide(
            token=fill.token ^ 1,
            side=outcome.SELL if buys else outcome.BUY,
            amount_micro=fill.size_micro - fill.amount_micro,
            price_pico=PICO - fill.price_pico,
            fee_micro=fill.other_fee_micro,
        )
    rested = fill.kind == "direct" and buys != (fill.buy_order == fill.seq)
    return OwnSide(
        token=fill.token,
        side=outcome.BUY if buys else outcome.SELL,
        amount_micro=fill.amount_micro,
        price_pico=fill.price_pico,
        fee_micro=fill.other_fee_micro if rested else fill.fee_micro,
    )


def own_fill(row: OutcomeFill, user: int) -> OwnFill:
    """Return a stored execution as one of its two participants has it."""
    own = own_side(row, user)
    return OwnFill(
        pk=row.pk,
        at=row.at,
        kind=row.kind,
        size_micro=row.size_micro,
        token=own.token,
        side=own.side,
        amount_micro=own.amount_micro,
        price_pico=own.price_pico,
        fee_micro=own.fee_micro,
    )
