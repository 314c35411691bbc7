"""Who or what bars an opening leg: the engine is told only that somebody may not open."""

from collections.abc import Mapping
from typing import Any

from exchange.engines import variable
from exchange.models import LiveState

Why = dict[str, int | str]
TOLD = frozenset({"by", "rule", "until_s"})


def barred_by(*, reduce_only: bool, pause_rule: str, pause_until_s: int, now_s: int) -> Why:
    """Return who or what bars: staff this market, a rule it for a while, or staff the account."""
    if reduce_only:
        return {"by": "reduce_only"}
    if now_s < pause_until_s:
        return {"by": "pause", "rule": pause_rule, "until_s": pause_until_s}
    return {"by": "account"}


def is_barred(result: variable.Result) -> bool:
    """Return whether an opening leg was refused because somebody or something bars it."""
    return isinstance(result, variable.Rejected) and result.fields.get("reason") == "barred"


def explained(result: variable.Result, live: LiveState, now_s: int) -> variable.Result:
    """Return the result, a barred open with who or what bars it."""
    if not isinstance(result, variable.Rejected) or not is_barred(result):
        return result
    by = barred_by(
        reduce_only=live.reduce_only_since is not None,
        pause_rule=live.pause_rule,
        pause_until_s=live.pause_until_s,
        now_s=now_s,
    )
    return variable.Rejected(result.code, {**result.fields, **by})


def as_the_engine_said(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a stored answer without what was added for people, to compare it with a replay's."""
    if answer is None or answer.get("fields", {}).get("reason") != "barred":
        return None if answer is None else dict(answer)
    fields = {name: value for name, value in answer["fields"].items() if name not in TOLD}
    return {**answer, "fields": fields}
