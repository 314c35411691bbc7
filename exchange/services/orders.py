"""What a trader asks of a market: trades, resting orders, targets. Each is one command with a key.

Every function here checks the grammar and hands one command to the market's queue.

Raises (all of them): Malformed, Conflict key_reused, Unprocessable with the market's code and
numbers, Unavailable; and locks the market's live row, then the user's cash, in the settlement.
"""

import hashlib
from typing import Any, TypedDict, Unpack

from exchange import clock
from exchange.engines.variable.resting import BUY_INTENTS, SELL_INTENTS
from exchange.errors import Malformed, Unprocessable
from exchange.models import Command, Market, RestingOrder, User
from exchange.services import commands, gate
from exchange.services.batch import Receipt

COUNT_MAX = 2**63 - 1
SIZES = {"buy": ("amount_micro", "shares_nano"), "sell": ("shares_nano", "target_micro")}
BOUNDS = {
    "buy": ("min_shares_nano", "max_cost_micro"),
    "sell": ("min_out_micro", "max_margin_micro", "extra_micro"),
}
FLAGS = ("commit", "reduce_only")
INTENTS = (*BUY_INTENTS, *SELL_INTENTS)
CHUNKS_MAX = 100
INTERVAL_S_MIN, INTERVAL_S_MAX = 60, 7 * 24 * 3600
CANCELS_MAX = 200
CANCEL_KEY_LENGTH = 32


class Size(TypedDict, total=False):
    """How much, and the worst outcome accepted: the scale is in the name."""

    amount_micro: int
    shares_nano: int
    target_micro: int
    min_shares_nano: int
    max_cost_micro: int
    min_out_micro: int
    max_margin_micro: int
    extra_micro: int
    commit: bool
    reduce_only: bool


def order_place(
    *, user: User, market: Market, side: str, key: str, **size: Unpack[Size]
) -> Receipt:
    """Trade at once against the market's curve and return the receipt after the commit.

    What is held on the other side is closed first; the rest opens, unless `reduce_only`. With
    `commit`, an opening leg that only the band refuses waits for the next oracle event.

    Units:   exactly one size: amount_micro or shares_nano to buy, shares_nano or target_micro to
             sell; bounds are optional, and the order is refused (`slippage`, `margin_limit`) if
             one is not met.
    """
    if side not in SIZES:
        raise Malformed(f"side {side[:20]!r} is not buy or sell", fields={"side": side[:20]})
    given = {name: count for name, count in size.items() if count is not None}
    stray = sorted(set(given) - {*SIZES[side], *BOUNDS[side], *FLAGS})
    if stray:
        raise Malformed(
            f"{stray[0]} does not belong to a {side}",
            code="field_unknown",
            fields={"field": stray[0]},
        )
    if len([name for name in SIZES[side] if name in given]) != 1:
        names = " or ".join(SIZES[side])
        raise Malformed(
            f"a {side} needs exactly one of {names}", code="field_missing", fields={"field": names}
        )
    for name, count in given.items():
        if name not in FLAGS:
            _require_count(name, count)
        elif not isinstance(count, bool):
            raise Malformed(f"{name} is true or false", fields={"field": name})
    # a flag that is off is not written down, so that the same order has the same hash
    payload = {name: count for name, count in given.items() if count is not False}
    return _submit(user, market, side, key, payload)


def limit_place(
    *,
    user: User,
    market: Market,
    intent: str,
    shares_nano: int,
    price_pico: int,
    key: str,
    margin_micro: int | None = None,
) -> Receipt:
    """Leave an order that fills while the market price is at least as good as its price.

    Units:   the margin, fee included, belongs to an order that opens a short and only to it.
    """
    if intent not in INTENTS:
        names = ", ".join(INTENTS)
        raise Malformed(f"intent is not one of {names}", fields={"intent": intent[:20]})
    payload: dict[str, Any] = {"intent": intent}
    for name, count in (("shares_nano", shares_nano), ("price_pico", price_pico)):
        _require_count(name, count)
        payload[name] = count
    if margin_micro is not None:
        _require_count("margin_micro", margin_micro)
        payload["margin_micro"] = margin_micro
    return _submit(user, market, "limit", key, payload)


def targets_set(
    *, user: User, market: Market, stop_pico: int | None, target_pico: int | None, key: str
) -> Receipt:
    """Set the stop-loss and the take-profit of the position; None takes one away."""
    payload = {"stop_pico": stop_pico, "target_pico": target_pico}
    for name, price in payload.items():
        if price is not None:
            _require_count(name, price)
    return _submit(user, market, "targets", key, payload)


def exit_start(
    *,
    user: User,
    market: Market,
    shares_nano: int,
    chunks: int,
    interval_s: int,
    key: str,
    guard_pico: int | None = None,
) -> Receipt:
    """Close shares in chunks, one per interval, none at a price worse than the guard."""
    _require_count("shares_nano", shares_nano)
    _require_between("chunks", chunks, 1, CHUNKS_MAX)
    _require_between("interval_s", interval_s, INTERVAL_S_MIN, INTERVAL_S_MAX)
    payload = {"shares_nano": shares_nano, "chunks": chunks, "interval_s": interval_s}
    if guard_pico is not None:
        _require_count("guard_pico", guard_pico)
        payload["guard_pico"] = guard_pico
    return _submit(user, market, "timed_exit", key, payload)


def collateral_change(
    *, user: User, market: Market, amount_micro: int, key: str, adds: bool
) -> Receipt:
    """Put money into the escrow of a short, or take some out down to the initial margin."""
    _require_count("amount_micro", amount_micro)
    kind = "add_collateral" if adds else "remove_collateral"
    return _submit(user, market, kind, key, {"amount_micro": amount_micro})


def resting_cancel(*, user: User, market: Market, ref: int, key: str) -> Receipt:
    """Take back a limit order, a committed open, a timed exit or a queued withdrawal."""
    return _submit(user, market, "cancel", key, {"ref": ref})


def resting_cancel_all(*, user: User, key: str, market: Market | None = None) -> int:
    """Take back every open order of a user and return how many were taken back under this key.

    Each is a command of its own under a key made of `key` and its number: asked again, those taken
    back stay so and count again, and what was placed since the first time is left alone. One that
    has just filled is passed over.
    """
    commands.check_key(key)
    asked = f"{key}/{market.pk if market else 'all'}"
    head = hashlib.sha256(asked.encode()).hexdigest()[:CANCEL_KEY_LENGTH] + ":"
    mine = Command.objects.filter(user=user, kind=Command.Kind.CANCEL, key__startswith=head)
    rows = RestingOrder.objects.filter(user=user, status=RestingOrder.Status.OPEN)
    rows = rows.exclude(kind=RestingOrder.Kind.WITHDRAWAL).select_related("market")
    if market is not None:
        rows, mine = rows.filter(market=market), mine.filter(market=market)
    first = mine.order_by("id").first()
    if first is not None and first.settled_s is not None:
        rows = rows.filter(placed_at__lte=clock.at(first.settled_s))
    for row in rows.order_by("id")[:CANCELS_MAX]:
        try:
            resting_cancel(user=user, market=row.market, ref=row.ref, key=f"{head}{row.ref}")
        except Unprocessable as gone:
            if gone.code != "nothing":
                raise
    return mine.filter(accepted=True).count()


def contribution_place(*, user: User, market: Market, amount_micro: int, key: str) -> Receipt:
    """Put money into a market that is being funded, or mint units of an active one.

    Raises:  Unprocessable gate_shut before a proposed market may take money; as `submit`.
    """
    gate.require_open(market)
    _require_count("amount_micro", amount_micro)
    return _submit(user, market, "contribute", key, {"amount_micro": amount_micro})


def units_withdraw(
    *, user: User, market: Market, units_nano: int, key: str, queued: bool
) -> Receipt:
    """Burn vested units at once within the day's limits, or lock them in the queue."""
    _require_count("units_nano", units_nano)
    kind = "queue_withdrawal" if queued else "withdraw"
    return _submit(user, market, kind, key, {"units_nano": units_nano})


def fees_claim(*, user: User, market: Market, key: str) -> Receipt:
    """Pay a provider the fees its stake has earned."""
    return _submit(user, market, "claim", key, {})


def _submit(user: User, market: Market, kind: str, key: str, payload: dict[str, Any]) -> Receipt:
    return commands.submit(
        market_id=market.pk, kind=kind, payload=payload, key=key, user_id=user.pk
    )


def _require_count(name: str, count: object) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= COUNT_MAX:
        raise Malformed(
            f"{name} is not a whole number between 0 and {COUNT_MAX}",
            code="money_malformed",
            fields={"field": name},
        )


def _require_between(name: str, count: object, least: int, most: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not least <= count <= most:
        raise Malformed(
            f"{name} is not a whole number between {least} and {most}",
            fields={"field": name, "least": least, "most": most},
        )
