"""Take one run from where it stands to its end: fetched, read, decided, applied or refused.

Each step is one transaction that only the holder of the lease can make. A worker that dies leaves
the run where it was; whoever takes it next goes on from there. Applying happens under the run's
own key, so doing it twice is doing it once.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import OperationalError
from django.db.models import Prefetch, prefetch_related_objects

from exchange import clock
from exchange.errors import InvariantBroken, Refused, Unavailable
from exchange.selectors.configs import config_of
from exchange.services import commands
from exchange.services.batch import Receipt
from oracle.analysts import nets
from oracle.core import cadence, novelty, quorum
from oracle.core.cadence import Ending
from oracle.models import OPEN, OracleSpec, Report, Run, Schedule, SpentEvidence
from oracle.models.specs import INTERVAL_S_MAX
from oracle.selectors import health
from oracle.services import fetching, forecasting, leases, reading

NO_QUORUM, SOURCE_DOWN, STOPPED, FAILED = "no_quorum", "source_down", "stopped", "failed"
SMALL_WAIT_S = 60

log = structlog.get_logger()


def run_market(market_id: int) -> Run | None:
    """Finish the market's open run, if there is one and nobody else is at it."""
    found = Run.objects.filter(market_id=market_id, is_dry=False, state__in=OPEN)
    run_id = found.values_list("pk", flat=True).first()
    return run_to_end(run_id) if run_id else None


def run_to_end(run_id: int) -> Run | None:
    """Take a run and drive it to its end; return it, or nothing if it is in other hands.

    A fault of the world leaves it open for the next sweep; our own mistake ends it as refused, so
    that it cannot spin.
    """
    run = leases.take(run_id)
    if run is None:
        return None
    try:
        while run.state in STEPS and not (run.is_dry and run.state == Run.State.DECIDED):
            STEPS[run.state](run)
    except leases.LeaseLost:
        return None
    except (Unavailable, InvariantBroken) as fault:
        log.warning("oracle.run_interrupted", run=run.ref, state=run.state, code=fault.code)
        leases.give_up(run)
    except OperationalError as fault:
        # the database was busy or away: the run stays where it is, for the next sweep
        log.warning("oracle.run_interrupted", run=run.ref, state=run.state, code=str(fault)[:80])
        leases.give_up(run)
    except Exception as fault:
        log.exception("oracle.run_failed", run=run.ref, state=run.state)
        _refuse(run, FAILED, {"error": type(fault).__name__})
        raise
    finally:
        nets.forget()
    return run


def payload(run: Run) -> dict[str, list[dict[str, int]]]:
    """Return the market's command for a run: one report per seat, in the order of names.

    Units:   delta in 1e-12, confidence in 1e-8.
    """
    return {
        "reports": [
            {"delta_pico": row.delta_pico, "confidence_e8": row.confidence_e8} for row in _rows(run)
        ]
    }


def record(run: Run, receipt: Receipt) -> None:
    """End a run as applied: keep the market's answer and spend the evidence, in one transaction.

    Raises:  LeaseLost.
    Keeps:   a story is spent exactly when the event that used it is in the market's log.
    """
    outcome = {name: _text(value) for name, value in receipt.result.items()}
    before, after = outcome.get("fundamental_before_pico"), outcome.get("fundamental_pico")
    with leases.unhurried():
        leases.step(
            run,
            state=Run.State.APPLIED,
            outcome={**outcome, "batch_seq": str(receipt.batch_seq)},
            finished_at=clock.now(),
            lease_until=None,
        )
        spend(run)
        forecasting.spend(run)
        _schedule(run, Ending.QUIET if before == after else Ending.MOVED)


def spend(run: Run) -> None:
    """Mark every story that the event used as used up in its market."""
    held = novelty.held(reading.report_of(row) for row in _rows(run))
    SpentEvidence.objects.bulk_create(
        [
            SpentEvidence(market_id=run.market_id, cluster_id=cluster, run=run)
            for cluster, *_ in run.inputs["stories"]
            if cluster not in held
        ],
        ignore_conflicts=True,
    )


def _decide(run: Run) -> None:
    """Check that it may be applied, and fix what would be."""
    config = config_of(run.market.config)
    made = [reading.report_of(row) for row in _rows(run)]
    panel = quorum.assemble(made, quorum=config.quorum, floor_e8=config.conf_min_e8)
    silent = reading.silent_among([row["source"] for row in run.spec.sources], run.sources)
    numbers = {"reports": panel.counted, "reports_min": config.quorum, "silent": silent}
    if silent and run.spec.fallback == OracleSpec.Fallback.HOLD:
        _refuse(run, SOURCE_DOWN, numbers)
    elif panel.missing:
        _refuse(run, NO_QUORUM, numbers)
    elif not run.is_dry and (why := health.stopped(run.market_id)):
        _refuse(run, STOPPED, {"why": why})
    else:
        done = {"finished_at": clock.now(), "lease_until": None} if run.is_dry else {}
        with leases.unhurried():
            leases.step(run, state=Run.State.DECIDED, decided_at=clock.now(), **done)


def _apply(run: Run) -> None:
    """Hand the reports to the market under the run's key. Twice is once."""
    leases.keep(run)
    try:
        receipt = commands.submit(
            market_id=run.market_id, kind="oracle", payload=payload(run), key=run.ref
        )
    except Refused as refusal:
        _refuse(run, refusal.code, refusal.fields)
    else:
        record(run, receipt)


STEPS: dict[str, Callable[[Run], None]] = {
    Run.State.STARTED: fetching.fetch,
    Run.State.FETCHED: reading.read,
    Run.State.READ: _decide,
    Run.State.DECIDED: _apply,
}


def _refuse(run: Run, reason: str, numbers: object) -> None:
    """End a run without an event. F keeps its value and its age grows in public."""
    with leases.unhurried():
        leases.step(
            run,
            state=Run.State.REFUSED,
            reason=reason[:40],
            detail={**run.detail, "numbers": numbers},
            finished_at=clock.now(),
            lease_until=None,
        )
        _schedule(run, Ending.FAILED if reason == FAILED else Ending.REFUSED)


def _schedule(run: Run, ending: Ending) -> None:
    """Set when the market runs next: sooner after a move, later after quiet, last after faults."""
    schedule = Schedule.objects.filter(market_id=run.market_id).select_related("spec").first()
    if schedule is None or run.is_dry:
        return
    spec = schedule.spec
    interval_s = cadence.next_interval(
        schedule.interval_s, spec.interval_min_s, spec.interval_max_s, ending
    )
    failures = schedule.failures + 1 if ending in (Ending.REFUSED, Ending.FAILED) else 0
    wait_s = interval_s
    if failures:
        limit_s = max(INTERVAL_S_MAX, interval_s)
        wait_s = cadence.backoff(interval_s, failures, limit_s, spread=run.pk)
    Schedule.objects.filter(pk=schedule.pk).update(
        interval_s=interval_s,
        failures=failures,
        next_at=run.started_at + timedelta(seconds=max(wait_s, SMALL_WAIT_S)),
    )


def _rows(run: Run) -> list[Report]:
    """Return the reports in the order of their seats; read once, for they never change."""
    seats = Prefetch("reports", Report.objects.order_by("seat"))
    prefetch_related_objects([run], seats)
    return list(run.reports.all())


def _text(value: object) -> object:
    """Return figures as text, for JSON readers that count in floats."""
    if isinstance(value, list | tuple):
        return list(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
