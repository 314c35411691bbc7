"""What is a person's own on the page of a market: the position, open orders, marks on the chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exchange import figures
from exchange.fields import MoneyField, PriceField, SharesField
from exchange.ids import public_id
from exchange.models import Fill
from exchange.selectors.markets import MarketView
from exchange.selectors.portfolio import PositionView
from exchange.selectors.resting import Waiting
from exchange.views.preview_parts import away
from exchange.words import CAUSES, INTENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """A position as its panel shows it, beside what the selector says of it."""

    away_e8: int | None
    stop_pico: int | None
    target_pico: int | None
    exit: Waiting | None
    close_side: str
    removable_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """One open order as a table shows it."""

    order: Waiting
    words: str
    detail: str
    done: str
    locked_micro: int


def stance(
    view: MarketView, position: PositionView | None, waiting: Sequence[Waiting]
) -> Stance | None:
    """Return what the panel of a position needs, or None where nothing is held."""
    if position is None:
        return None
    row = position.position
    exits = (order for order in waiting if order.row.ref == row.exit_ref)
    return Stance(
        away_e8=away(position.liquidation_pico, position.close_out_pico),
        stop_pico=_whole(row.stop_pico),
        target_pico=_whole(row.target_pico),
        exit=next(exits, None),
        close_side="buy" if position.is_short else "sell",
        removable_micro=_removable(view, position) if position.is_short else 0,
    )


def _whole(price: Any) -> int | None:
    return None if price is None else int(price)


def _removable(view: MarketView, position: PositionView) -> int:
    """Return what may be taken out of the escrow now: what is above the initial margin."""
    row, scale = position.position, 10**8
    owed = (scale + view.config.im_e8) * -row.shares_nano * position.close_out_pico
    least = -(-owed // (scale * 10**15))
    return max(0, row.escrow_micro - least)


def rows(waiting: Sequence[Waiting]) -> list[OpenOrder]:
    """Return the open orders as the tables show them."""
    return [_row(order) for order in waiting]


def _row(order: Waiting) -> OpenOrder:
    size = figures.shares(order.asked_nano)
    done = f"{figures.shares(order.done_nano)} of {size}"
    words, detail = INTENTS.get(order.intent, "Timed exit"), ""
    if order.row.kind == "limit":
        detail = f"{size} at {figures.price(order.price_pico or 0)}"
        detail += ", once you no longer hold the other side" if order.parked else ""
    elif order.row.kind == "commit":
        amount = f"for {figures.usdc(order.amount_micro)} USDC" if order.amount_micro else size
        detail, done = f"{amount}, with the next oracle event", "—"
    else:
        left = f"part {order.chunks_asked - order.chunks_left + 1} of {order.chunks_asked}"
        guard = f", not past {figures.price(order.price_pico)}" if order.price_pico else ""
        detail = f"{size}, {left} next{guard}"
    return OpenOrder(
        order=order,
        words=words,
        detail=detail,
        done=done,
        locked_micro=order.row.reserved_micro,
    )


def lines(
    position: PositionView | None, waiting: Sequence[Waiting], fills: Sequence[Fill]
) -> dict[str, Any]:
    """Return what the chart draws of a person's own, with prices as decimal strings."""
    held: dict[str, Any] = {"side": "", "shares": "0"}
    if position is not None:
        row = position.position
        held = {
            "side": "short" if position.is_short else "long",
            "shares": SharesField.written(abs(row.shares_nano)),
            "entry": _price(position.average_pico),
            "stop": _price(row.stop_pico),
            "target": _price(row.target_pico),
            "liquidation": _price(position.liquidation_pico),
        }
    limits = [_limit(order) for order in waiting if order.row.kind == "limit"]
    return {**held, "limits": limits, "fills": [_mark(fill) for fill in fills]}


def _limit(order: Waiting) -> dict[str, Any]:
    margin = order.row.reserved_micro if order.intent == "open_short" else 0
    return {
        "ref": order.row.ref,
        "side": order.side,
        "closes": order.intent.startswith("close"),
        "price": _price(order.price_pico),
        "shares": SharesField.written(order.left_nano),
        "margin": MoneyField.written(margin) if margin else "",
    }


def _mark(fill: Fill) -> dict[str, Any]:
    return {
        "id": public_id("fil", fill.pk),
        "t": int(fill.at.timestamp()),
        "side": fill.side,
        "cause": fill.cause,
        "words": CAUSES.get(fill.cause, fill.cause),
        "price": _price(fill.price_pico),
    }


def _price(pico: Any) -> str | None:
    return None if pico is None else PriceField.written(int(pico))
