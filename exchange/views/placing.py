"""From a confirmed ticket to the service that carries it out."""

from typing import Any

from exchange.models import Market, User
from exchange.services import orders
from exchange.services.batch import Receipt
from exchange.views.ticket_values import (
    bounds_of,
    exit_payload,
    limit_payload,
    size_of,
    ticket_of,
)

KEY_MAX = 64
CANCELS = ":moved"


def place(user: User, market: Market, values: dict[str, Any]) -> Receipt:
    """Carry out what a valid `OrderForm` confirms, and return the receipt.

    An order that is moved is taken back first, under a key made of the form's own: asked again,
    neither half acts twice, and one that has just filled is not placed a second time.
    """
    ticket, key = ticket_of(values), values["key"]
    if ticket.type == "market":
        bounds = bounds_of(ticket, values["limit"], values["margin_max"])
        size: orders.Size = {**size_of(ticket), **bounds}  # type: ignore[typeddict-item]
        return orders.order_place(user=user, market=market, side=ticket.side, key=key, **size)
    if ticket.type == "protect":
        return orders.targets_set(
            user=user, market=market, stop_pico=ticket.stop, target_pico=ticket.target, key=key
        )
    if ticket.type == "exit":
        return orders.exit_start(user=user, market=market, key=key, **exit_payload(ticket))
    if ticket.replaces:
        own = key[: KEY_MAX - len(CANCELS)] + CANCELS
        orders.resting_cancel(user=user, market=market, ref=ticket.replaces, key=own)
    asked = limit_payload(ticket, values["intent"], ticket.quantity, ticket.margin or 0)
    return orders.limit_place(user=user, market=market, key=key, **asked)
