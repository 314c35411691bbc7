"""The maker's report of section 11 of the specification: kept with each tick, and as of now.

V, L and subsidies count 1e-12 USDC, supplies 1e-6 tokens.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from exchange.engines import outcome
from exchange.engines.outcome.reports import OutcomeReport
from exchange.models import OutcomeFill, Session
from exchange.selectors.outcome.sessions import SessionView

# Of one outcome, in the order in which a tick keeps them.
FIELDS = (
    "cash_fine", "depth_fine", "subsidy_fine", "yes_micro", "no_micro", "virtual_yes_micro",
)  # fmt: skip
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePart:
    """One outcome's part; of one out of play only the seigniorage is left.

    `seigniorage_micro` is the system's part of the surplus of auto-fills in this outcome.
    """

    outcome: int
    seigniorage_micro: int
    cash_fine: int | None = None
    depth_fine: int | None = None
    subsidy_fine: int | None = None
    yes_micro: int | None = None
    no_micro: int | None = None
    virtual_yes_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerReport:
    """The market maker's accounts and its pools as of the newest tick.

    The outcomes' seigniorage sums up to the account and `paid_back_micro`, which orders that set
    auto-fills off got back.
    """

    common_depth_fine: int
    subsidy_fine: int
    pool_micro: int
    pairs_micro: int
    fees_micro: int
    seigniorage_micro: int
    paid_back_micro: int
    gas_micro: int
    outcomes: Sequence[OutcomePart]


def mapping(found: outcome.Report, n_outcomes: int) -> Json:
    """Return a report as a tick keeps it: figures as text, for they outgrow numbers of JSON."""
    rows: list[list[str] | None] = [None] * n_outcomes
    for row in found.outcomes:
        rows[row.outcome] = [str(count) for count in _figures(row)]
    return {"common_depth": str(found.common_depth_fine), "outcomes": rows}


def of_view(view: SessionView) -> MakerReport | None:
    """Return the report of a session for who may know it: its host, and after the end everybody."""
    if not view.is_told:
        return None
    earned = seigniorage(view.session)
    rows = {row.outcome: row for row in view.report.outcomes}
    parts = tuple(
        OutcomePart(
            outcome=number,
            seigniorage_micro=earned[number],
            **(dict(zip(FIELDS, _figures(rows[number]), strict=True)) if number in rows else {}),
        )
        for number in range(view.config.n_outcomes)
    )
    state = view.state
    return MakerReport(
        common_depth_fine=view.report.common_depth_fine,
        subsidy_fine=view.report.subsidy_fine,
        pool_micro=state.pool_micro,
        pairs_micro=state.pairs_micro,
        fees_micro=state.fees_micro,
        seigniorage_micro=state.seigniorage_micro,
        paid_back_micro=sum(earned.values()) - state.seigniorage_micro,
        gas_micro=state.gas_micro,
        outcomes=parts,
    )


def seigniorage(session: Session) -> Mapping[int, int]:
    """Return what auto-fills in each outcome have brought the system."""
    total: defaultdict[int, int] = defaultdict(int)
    for parts in seigniorage_by_batch(session).values():
        for number, amount in parts.items():
            total[number] += amount
    return total


def seigniorage_by_batch(session: Session) -> Mapping[int, Mapping[int, int]]:
    """Return the same by batch; one that brought nothing is not there."""
    rows = OutcomeFill.objects.filter(market_id=session.market_id, seigniorage_micro__gt=0)
    sums = rows.values_list("batch_seq", "token").annotate(amount=Sum("seigniorage_micro"))
    found: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for batch_seq, token, amount in sums.iterator():
        found[batch_seq][token >> 1] += amount
    return found


def _figures(row: OutcomeReport) -> tuple[int, ...]:
    return (
        row.cash_fine, row.depth_fine, row.subsidy_fine, *row.supply_micro, row.virtual_yes_micro,
    )  # fmt: skip
