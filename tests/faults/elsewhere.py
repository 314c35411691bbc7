"""Orders as another process would place them: past this process's queue, onto the row lock."""

from typing import Any

from exchange.errors import MegatronError, Unprocessable
from exchange.services import settlement
from exchange.services.batch import Receipt, Request


def submit(
    *, market_id: int, kind: str, payload: dict[str, Any], key: str, user_id: int | None = None
) -> Receipt:
    """Settle one command in a batch of its own; raise what a caller would be told."""
    answer = settlement.drain(market_id, [Request(kind, payload, key, user_id)])[0]
    if isinstance(answer, MegatronError):
        raise answer
    if not answer.accepted:
        raise Unprocessable("refused", code=answer.result["code"], fields=answer.result["fields"])
    return answer
