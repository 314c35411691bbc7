"""Walk a market's whole oracle again: every run's reports, and F after every event, from the store.

What is recomputed is compared with what the market's log has, step by step, and each move is given
the stories that stood behind it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from exchange.engines import variable
from exchange.engines.engine import Refusal
from exchange.engines.variable import oracle_event
from exchange.models import Market, OracleMove
from exchange.selectors.configs import config_of
from oracle.core.reports import Report
from oracle.models import Run
from oracle.services import reading
from oracle.services.reading import EvidenceChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Stride:
    """One run, walked again. F is what the recomputed reports make of the recomputed F before.

    `pushed` are the stories whose reading had the direction of the move; `numbers` the published
    numbers that had a part in it.
    """

    run: Run
    before_pico: int
    after_pico: int
    stored_pico: int
    same_reports: bool
    pushed: tuple[int, ...]
    numbers: tuple[int, ...]
    outside: tuple[int, ...]

    @property
    def is_identical(self) -> bool:
        """Whether reports and F are what the store has, bit for bit."""
        return self.same_reports and self.after_pico == self.stored_pico

    @property
    def is_named(self) -> bool:
        """Whether a move has at least one cause that can be looked at."""
        moved = self.before_pico != self.after_pico
        return not moved or bool(self.pushed or self.numbers or self.outside)


def walk(market: Market) -> Iterator[Stride]:
    """Return every applied run of a market in order, recomputed from the first F on.

    Raises:  EvidenceChanged where a stored text is not what was hashed.
    """
    config = config_of(market.config)
    moves = {row.ref: row for row in OracleMove.objects.filter(market=market)}
    runs = Run.objects.filter(market=market, is_dry=False, state=Run.State.APPLIED)
    f_pico = f_day_pico = 0
    day = None
    for run in runs.select_related("spec", "market").order_by("number"):
        move = moves[run.ref]
        if not f_pico:
            f_pico = int(move.fundamental_before_pico)
        today = move.at.astimezone(UTC).date()
        if today != day:
            day, f_day_pico = today, f_pico
        made = reading.reports_from(
            run.spec, run.inputs, run.sources, run.detail.get("away", ())
        ).made
        before, f_pico = f_pico, _after(config, f_pico, f_day_pico, made)
        yield Stride(
            run=run,
            before_pico=before,
            after_pico=f_pico,
            stored_pico=int(move.fundamental_pico),
            same_reports=reading.reports_sha256(made) == run.reports_sha256,
            pushed=_pushed(made, f_pico - before),
            numbers=tuple(run.inputs["numbers"].values()),
            outside=tuple(key for key, weight in run.inputs.get("forecasts", []) if weight),
        )


def _after(config: variable.Config, f_pico: int, f_day_pico: int, made: Sequence[Report]) -> int:
    """Return F after the reports, by the engine's own rules; without a quorum it stays."""
    given = tuple(
        variable.Report(delta_pico=one.delta_pico, confidence_e8=one.confidence_e8)
        for one in sorted(made, key=lambda report: report.seat)
    )
    try:
        read = oracle_event.read(config, given)
    except Refusal:
        return f_pico
    return oracle_event.filtered(config, f_pico, f_day_pico, read)[0]


def _pushed(made: Sequence[Report], moved: int) -> tuple[int, ...]:
    return tuple(
        sorted(
            {
                mark.cluster
                for report in made
                for mark in report.marks
                if mark.sign * moved > 0 and report.delta_pico * moved > 0
            }
        )
    )


__all__ = ["EvidenceChanged", "Stride", "walk"]
