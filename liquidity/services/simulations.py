"""Ask for a simulation of a market's parameters, have it run in slices, pin it to the market.

A run is a row; a worker holds it by a lease while it computes. Whatever kills the worker, the next
one goes on with the path that was not finished, and comes to the same figures.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

import exchange.engines
from exchange import clock
from exchange.engines.engine import EngineBug
from exchange.engines.units import RATE
from exchange.engines.variable import Config, ConfigError
from exchange.errors import NotAllowed, TooMany, Unavailable, Unprocessable
from exchange.models import Market, StaffAction, User
from exchange.services import staff
from liquidity.core import simulation
from liquidity.core.simulation import PathReport, Scenario, ScenarioError
from liquidity.models import OPEN, SimulationPath, SimulationRun
from liquidity.selectors import simulations as selectors

LEASE = timedelta(seconds=60)
# A worker has other duties too: it leaves a long run to the next call.
SLICE_S = 8.0
NOTE_EVERY_S = 1.0
FRUITLESS_MAX = 3
# About what a path takes; only to say when it is worth asking again.
PATH_S = 4
State = SimulationRun.State

log = structlog.get_logger()


class LeaseLost(Unavailable):
    """Another worker has the run now. Whoever meets this stops and leaves everything as it is."""

    code = "lease_lost"


def simulation_request(
    *, user: User | None, parameters: Mapping[str, Any], scenario: Mapping[str, object]
) -> SimulationRun:
    """Queue a simulation of a market with these parameters; what is left out has its default.

    Raises:  Unprocessable config_invalid or scenario_invalid, with the field and its value;
             TooMany while another run of this user is open.
    """
    try:
        config = Config.parse(parameters)
        parsed = Scenario.parse(scenario)
        parsed.require_for(config)
    except (ConfigError, ScenarioError) as error:
        code = "config_invalid" if isinstance(error, ConfigError) else "scenario_invalid"
        fields = {"rule": error.code, "field": error.field, "value": error.value}
        raise Unprocessable(str(error), code=code, fields=fields) from error
    try:
        with transaction.atomic():
            return SimulationRun.objects.create(
                requester=user,
                config=config.to_mapping(),
                scenario=parsed.to_mapping(),
                engine_sha256=engine_sha256(),
            )
    except IntegrityError as clash:
        raise TooMany(
            "a simulation of yours is still running",
            fields={"open_max": 1, "retry_after_s": PATH_S * parsed.paths},
        ) from clash


@transaction.atomic
def simulation_order(*, actor: User, market: Market, reason: str) -> SimulationRun:
    """Queue a run of the house's own with the parameters of a market that is being funded.

    Raises:  NotAllowed, Malformed, Unprocessable simulation_unfit.
    """
    if not (actor.is_staff and actor.is_active):
        raise NotAllowed("only staff may do this")
    said = staff.reason_of(reason)
    if market.status != Market.Status.FUNDING:
        raise _unfit("funding", "the market is not being funded any more")
    run = simulation_request(user=None, parameters=market.config, scenario={})
    StaffAction.objects.create(
        actor=actor,
        verb="simulation.requested",
        target=f"market {market.slug}",
        reason=said,
        detail={"simulation": run.public_id},
    )
    return run


def simulation_pin(*, user: User, run: SimulationRun, market: Market) -> None:
    """Pin a finished run to a market that is being funded, for everybody to read, for good.

    Raises:  NotAllowed, staff apart, for whoever did not ask for the run and for a market that
             somebody else proposed; Unprocessable simulation_unfit where the run is not finished,
             is of other parameters, or one of the two is taken.
    """
    if run.requester_id != user.pk and not user.is_staff:
        raise NotAllowed("this simulation is somebody else's")
    if not selectors.may_choose(user, market):
        raise NotAllowed("whoever proposed this market chooses its simulation")
    if market.status != Market.Status.FUNDING:
        raise _unfit("funding", "the market is not being funded any more")
    if run.config != market.config:
        raise _unfit("config", "the simulation is of other parameters than the market's")
    try:
        with transaction.atomic():
            pinned = SimulationRun.objects.filter(pk=run.pk, state=State.DONE, market=None).update(
                market=market, pinned_at=clock.now()
            )
    except IntegrityError as clash:
        raise _unfit("market", "another simulation is pinned to this market") from clash
    if not pinned:
        raise _unfit("run", "the simulation is not finished, or is pinned already")
    run.refresh_from_db()


def _unfit(reason: str, message: str) -> Unprocessable:
    return Unprocessable(message, code="simulation_unfit", fields={"reason": reason})


@cache
def engine_sha256() -> str:
    """Return the hash of all code that a report follows from."""
    digest = hashlib.sha256()
    for package in (exchange.engines, simulation):
        room = Path(package.__path__[0])
        for file in sorted(room.rglob("*.py")):
            digest.update(file.relative_to(room).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def simulations_advance() -> int:
    """Work on open runs for a few seconds, those worked on least first; return the paths done."""
    deadline, paths = clock.monotonic() + SLICE_S, 0
    while clock.monotonic() < deadline:
        run = take()
        if run is None:
            break
        try:
            paths += simulation_advance(run, deadline)
        except LeaseLost as lost:
            log.warning("simulation.lease_lost", run=run.pk, error=lost.message)
    return paths


def take() -> SimulationRun | None:
    """Return an open run with a lease for the caller, or nothing where all are held."""
    now = clock.now()
    free = SimulationRun.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now), state__in=OPEN
    )
    for key in free.order_by("attempt", "pk").values_list("pk", flat=True)[:10]:
        won = free.filter(pk=key).update(
            attempt=F("attempt") + 1,
            fruitless=F("fruitless") + 1,
            lease_until=now + LEASE,
            state=State.RUNNING,
            started_at=Coalesce(F("started_at"), now),
        )
        if won:
            return SimulationRun.objects.get(pk=key)
    return None


def simulation_advance(run: SimulationRun, deadline: float) -> int:
    """Run the paths that are left until the deadline, at least one; return how many were done.

    Raises:  LeaseLost.
    """
    if run.engine_sha256 != engine_sha256():
        _fail(run, "the engine was changed while it ran; ask again")
        return 0
    if run.fruitless > FRUITLESS_MAX:
        _fail(run, f"given up after {FRUITLESS_MAX} interrupted attempts at one path")
        return 0
    scenario, done = Scenario.parse(run.scenario), 0
    while run.paths_done < scenario.paths:
        if done and clock.monotonic() >= deadline:
            _step(run, lease_until=None)
            return done
        try:
            report = _path(run, scenario)
        except EngineBug as bug:
            log.exception("simulation.engine_bug", run=run.pk, path=run.paths_done)
            _fail(run, f"path {run.paths_done}: {bug}")
            return done
        _keep_path(run, scenario, report)
        done += 1
    _finish(run)
    return done


def _path(run: SimulationRun, scenario: Scenario) -> PathReport:
    """Compute the next path, noting now and then how far it is."""
    config, number = Config.parse(run.config), run.paths_done
    path = simulation.simulate(config, scenario, number)
    noted = clock.monotonic()
    while True:
        try:
            days = next(path)
        except StopIteration as end:
            report: PathReport = end.value
            return report
        if clock.monotonic() - noted >= NOTE_EVERY_S:
            noted = clock.monotonic()
            progress = simulation.progress_e8(scenario, number, days)
            _step(run, progress_e8=progress, lease_until=clock.now() + LEASE)


@transaction.atomic
def _keep_path(run: SimulationRun, scenario: Scenario, report: PathReport) -> None:
    _step(
        run,
        paths_done=report.number + 1,
        progress_e8=simulation.progress_e8(scenario, report.number + 1),
        fruitless=0,
        lease_until=clock.now() + LEASE,
    )
    SimulationPath.objects.create(run=run, number=report.number, report=report.to_mapping())


def _finish(run: SimulationRun) -> None:
    rows = run.paths.order_by("number").values_list("report", flat=True)
    report = simulation.summarise([PathReport.from_mapping(row) for row in rows])
    _step(
        run,
        state=State.DONE,
        progress_e8=RATE,
        report=report.to_mapping(),
        finished_at=clock.now(),
        lease_until=None,
    )


def _fail(run: SimulationRun, error: str) -> None:
    _step(run, state=State.FAILED, error=error[:200], finished_at=clock.now(), lease_until=None)


def _step(run: SimulationRun, **changes: Any) -> None:
    """Write `changes` if the run is still ours. Raises LeaseLost."""
    mine = SimulationRun.objects.filter(pk=run.pk, attempt=run.attempt, state=State.RUNNING)
    if not mine.update(**changes):
        raise LeaseLost(f"run {run.pk} was taken over")
    for name, value in changes.items():
        setattr(run, name, value)
