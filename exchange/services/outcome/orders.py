"""What a participant asks of a session: place an order, take one back.

Every function checks the grammar and who asks, and leaves one command in the log.

Raises (all of them): Malformed, NotAllowed, NotFound, Conflict key_reused, Unprocessable frozen
before the start; Unavailable. What the market refuses is the answer that the tick gives.
"""

from typing import Any, NotRequired, TypedDict, Unpack

from exchange.engines import outcome
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Participant
from exchange.services.batch import Request
from exchange.services.outcome import accept
from exchange.services.outcome.accept import Accepted

COUNT_MAX = 2**62


class Wanted(TypedDict):
    """An order, in micro-tokens by lots of 10,000 and micro-USDC per token.

    Without a price it goes at the market, with one up to that limit.
    """

    side: str
    outcome_no: int
    token: int
    size_micro: int
    price_micro: NotRequired[int | None]
    max_slippage_e9: NotRequired[int | None]
    auto_fill: NotRequired[bool]


def order_place(*, participant: Participant, key: str, **wanted: Unpack[Wanted]) -> Accepted:
    """Ask to buy or sell tokens."""
    payload = _payload(participant, key, wanted)
    return _submit(participant, "order", payload, key)


def order_request(*, participant: Participant, key: str, **wanted: Unpack[Wanted]) -> Request:
    """Return the same as a command, to be handed in with those of others."""
    _require_active(participant)
    return accept.request_of(
        session=participant.session,
        kind="order",
        payload=_payload(participant, key, wanted),
        key=key,
        user_id=participant.user_id,
    )


def _payload(participant: Participant, key: str, wanted: Wanted) -> dict[str, Any]:
    session, side, token = participant.session, wanted["side"], wanted["token"]
    if side not in (outcome.BUY, outcome.SELL) or token not in (outcome.YES, outcome.NO):
        raise Malformed("an order buys or sells YES or NO", fields={"side": side})
    if not 0 <= wanted["outcome_no"] < len(session.outcomes):
        raise Malformed(
            f"there is no outcome {wanted['outcome_no']}", fields={"outcome": wanted["outcome_no"]}
        )
    size_micro = wanted["size_micro"]
    sizes = (size_micro, wanted.get("price_micro") or 0, wanted.get("max_slippage_e9") or 0)
    if not all(0 <= size <= COUNT_MAX for size in sizes):
        raise Malformed("a figure is out of range", fields={"size_micro": str(size_micro)})
    is_barred = side == outcome.BUY and not session.is_play and participant.user.opens_barred
    if is_barred and not accept.is_taken(session, key, participant.user_id):
        raise Unprocessable(
            "opening is switched off for this account",
            code="closed_only",
            fields={"reason": "barred", "by": "account"},
        )
    optional = {
        "price_micro": wanted.get("price_micro"),
        "max_slippage_e9": wanted.get("max_slippage_e9"),
        "auto_fill": wanted.get("auto_fill") or None,
    }
    return {
        "side": side,
        "outcome": wanted["outcome_no"],
        "token": token,
        "size_micro": size_micro,
        **{name: value for name, value in optional.items() if value is not None},
    }


def order_cancel(*, participant: Participant, ref: int, key: str) -> Accepted:
    """Ask to take back what rests of an order, known by its number."""
    if not 0 < ref <= COUNT_MAX:
        raise Malformed("there is no such order", fields={"ref": str(ref)[:40]})
    return _submit(participant, "cancel", {"ref": ref}, key)


def _submit(participant: Participant, kind: str, payload: dict[str, Any], key: str) -> Accepted:
    _require_active(participant)
    return accept.submit(
        session=participant.session,
        kind=kind,
        payload=payload,
        key=key,
        user_id=participant.user_id,
    )


def _require_active(participant: Participant) -> None:
    if not participant.user.is_active:
        raise NotAllowed("this account is closed")
