"""What a participant asks of a session: place an order, take one back.

Every function checks the grammar and who asks, and leaves one command in the log.

Raises (all of them): Malformed, NotAllowed, NotFound, Conflict key_reused, Unprocessable frozen
before the start; Unavailable. What the market refuses is the answer that the tick gives.
"""

from typing import Any

from exchange.engines import outcome
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Participant
from exchange.services.outcome import accept
from exchange.services.outcome.accept import Accepted

COUNT_MAX = 2**62


def order_place(
    *,
    participant: Participant,
    side: str,
    outcome_no: int,
    token: int,
    size_micro: int,
    key: str,
    price_micro: int | None = None,
    max_slippage_e9: int | None = None,
    auto_fill: bool = False,
) -> Accepted:
    """Ask to buy or sell tokens: at the market without a price, with one up to that limit.

    Units:   micro-tokens in lots of 10,000; prices in micro-USDC per token.
    """
    session = participant.session
    if side not in (outcome.BUY, outcome.SELL) or token not in (outcome.YES, outcome.NO):
        raise Malformed("an order buys or sells YES or NO", fields={"side": side})
    if not 0 <= outcome_no < len(session.outcomes):
        raise Malformed(f"there is no outcome {outcome_no}", fields={"outcome": outcome_no})
    sizes = (size_micro, price_micro or 0, max_slippage_e9 or 0)
    if not all(0 <= size <= COUNT_MAX for size in sizes):
        raise Malformed("a figure is out of range", fields={"size_micro": str(size_micro)})
    if side == outcome.BUY and not session.is_play and participant.user.opens_barred:
        raise Unprocessable(
            "opening is switched off for this account",
            code="closed_only",
            fields={"reason": "barred", "by": "account"},
        )
    payload: dict[str, Any] = {
        "side": side,
        "outcome": outcome_no,
        "token": token,
        "size_micro": size_micro,
    }
    optional = {
        "price_micro": price_micro,
        "max_slippage_e9": max_slippage_e9,
        "auto_fill": auto_fill or None,
    }
    payload |= {name: value for name, value in optional.items() if value is not None}
    return _submit(participant, "order", payload, key)


def order_cancel(*, participant: Participant, ref: int, key: str) -> Accepted:
    """Ask to take back what rests of an order, known by its number."""
    if not 0 < ref <= COUNT_MAX:
        raise Malformed("there is no such order", fields={"ref": str(ref)[:40]})
    return _submit(participant, "cancel", {"ref": ref}, key)


def _submit(participant: Participant, kind: str, payload: dict[str, Any], key: str) -> Accepted:
    if not participant.user.is_active:
        raise NotAllowed("this account is closed")
    return accept.submit(
        session=participant.session,
        kind=kind,
        payload=payload,
        key=key,
        user_id=participant.user_id,
    )
