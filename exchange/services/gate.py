"""Whether a market that is being funded may take money yet; other apps say so by registering."""

from collections.abc import Callable

from exchange.errors import Unprocessable
from exchange.models import Market

# Returns a sentence that says what the market lacks, or nothing.
Check = Callable[[Market], str]

_checks: list[Check] = []


def register(check: Check) -> None:
    """Let `check` be asked before a market that is being funded takes money."""
    if check not in _checks:
        _checks.append(check)


def why_shut(market: Market) -> str:
    """Return what a market that is being funded lacks before it may take money, or nothing."""
    if market.status != Market.Status.FUNDING:
        return ""
    return next(filter(None, (check(market) for check in _checks)), "")


def require_open(market: Market) -> None:
    """Raise Unprocessable gate_shut where the market may not take money yet."""
    if why := why_shut(market):
        raise Unprocessable(why, code="gate_shut", fields={"market": market.slug})
