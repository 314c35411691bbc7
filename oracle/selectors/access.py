"""The one way from an outside id to a row of the oracle. Raises NotFound and leaks nothing else."""

from exchange.errors import NotFound
from exchange.ids import key_of
from oracle.models import OracleSpec, Run, Schedule
from oracle.models.runs import PREFIX


def run(run_id: str) -> Run:
    """Return the run anyone may read. Dry runs are staff's own and do not exist out here."""
    found = Run.objects.filter(pk=key_of(PREFIX, run_id), is_dry=False)
    row = found.select_related("market", "spec").first()
    if row is None:
        raise NotFound(f"there is no run {run_id[:40]!r}")
    return row


def run_by_key(key: int) -> Run:
    """Return any run by its own key, for commands and staff."""
    row = Run.objects.filter(pk=key).select_related("market", "spec").first()
    if row is None:
        raise NotFound(f"there is no run {key}")
    return row


def schedule(market_id: int) -> Schedule:
    """Return the schedule of a market that has an oracle."""
    row = Schedule.objects.filter(pk=market_id).select_related("spec", "market").first()
    if row is None:
        raise NotFound(f"market {market_id} has no oracle")
    return row


def spec(market_id: int) -> OracleSpec:
    """Return the specification that a market's oracle follows now."""
    return schedule(market_id).spec


def spec_to_play(market_id: int) -> OracleSpec:
    """Return the version that a market's oracle follows, else the newest that was written."""
    followed = Schedule.objects.filter(pk=market_id).select_related("spec").first()
    if followed:
        return followed.spec
    newest = OracleSpec.objects.filter(market_id=market_id).order_by("-version").first()
    if newest is None:
        raise NotFound(f"market {market_id} has no oracle")
    return newest
