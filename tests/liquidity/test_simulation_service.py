"""Simulations as people ask for them: queued, run in slices, taken over, read, and pinned."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from exchange import clock
from exchange.engines.engine import EngineBug
from exchange.engines.units import RATE
from exchange.engines.variable import Config
from exchange.errors import NotAllowed, NotFound, TooMany, Unprocessable
from exchange.models import Market, User
from liquidity.core import simulation
from liquidity.core.simulation import Scenario
from liquidity.models import SimulationPath, SimulationRun
from liquidity.selectors import simulations as selectors
from liquidity.services import simulations as services
from liquidity.tasks import simulations_advance
from tests.factories import open_market

pytestmark = pytest.mark.django_db

SHORT = {"days": "2", "paths": "3", "whale_day": "1"}
State = SimulationRun.State


class Killed(BaseException):
    """Stands for a worker that dies: nothing that catches errors may catch it."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the worker die once, a day into a path."""

    def kill_in(number: int) -> None:
        whole = simulation.simulate

        def die(config: Config, scenario: Scenario, path: int) -> Any:
            if path == number:
                monkeypatch.setattr(simulation, "simulate", whole)
                yield 1
                raise Killed
            return (yield from whole(config, scenario, path))

        monkeypatch.setattr(simulation, "simulate", die)

    return kill_in


def ask(user: User | None, **scenario: str) -> SimulationRun:
    return services.simulation_request(user=user, parameters={}, scenario={**SHORT, **scenario})


def finished(user: User | None, **scenario: str) -> SimulationRun:
    run = ask(user, **scenario)
    simulations_advance()
    run.refresh_from_db()
    assert run.state == State.DONE
    return run


def lapse(run: SimulationRun) -> None:
    """Let the dead worker's lease run out."""
    past = clock.now() - timedelta(seconds=1)
    SimulationRun.objects.filter(pk=run.pk).update(lease_until=past)


def test_runs_to_the_end_and_reports(alice: User) -> None:
    run = ask(alice)
    assert (run.state, run.progress_e8, run.report) == (State.QUEUED, 0, {})
    assert run.config == Config.parse({}).to_mapping()

    assert simulations_advance() == 3
    run.refresh_from_db()

    assert (run.state, run.progress_e8, run.paths_done) == (State.DONE, RATE, 3)
    assert run.report["breaches"] == 0
    assert len(run.report["profits_micro"]) == run.paths.count() == 3
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.lease_until is None
    assert simulations_advance() == 0


def test_equal_requests_have_equal_reports(alice: User, bob: User) -> None:
    assert finished(alice).report == finished(bob).report != finished(alice, seed="2").report


@pytest.mark.parametrize("number", [0, 1, 2])
def test_goes_on_where_a_killed_worker_stopped(
    alice: User, bob: User, dying: Callable[[int], None], number: int
) -> None:
    expected = finished(bob).report
    run = ask(alice)
    dying(number)

    with pytest.raises(Killed):
        simulations_advance()
    run.refresh_from_db()
    assert (run.state, run.paths_done) == (State.RUNNING, number)
    assert simulations_advance() == 0, "the dead worker's lease still holds"
    lapse(run)

    assert simulations_advance() == 3 - number
    run.refresh_from_db()
    assert (run.state, run.report) == (State.DONE, expected)


def test_a_worker_killed_after_the_last_path_leaves_only_the_sum(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: SimulationRun) -> None:
        raise Killed

    run = ask(alice)
    with monkeypatch.context() as patch:
        patch.setattr(services, "_finish", die)
        with pytest.raises(Killed):
            simulations_advance()
    lapse(run)

    assert simulations_advance() == 0
    run.refresh_from_db()
    assert run.state == State.DONE


def test_a_slow_worker_writes_nothing_once_its_run_was_taken_over(alice: User) -> None:
    run = ask(alice)
    slow = services.take()
    assert slow is not None
    lapse(run)
    fast = services.take()
    assert fast is not None
    assert services.simulation_advance(fast, clock.monotonic() + 60) == 3
    report = SimulationRun.objects.get(pk=run.pk).report

    with pytest.raises(services.LeaseLost):
        services.simulation_advance(slow, clock.monotonic() + 60)

    assert run.paths.count() == 3
    assert SimulationRun.objects.get(pk=run.pk).report == report


def test_a_long_run_gives_way_to_others(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ask(alice), ask(bob)
    monkeypatch.setattr(services, "SLICE_S", 0.0001)

    done = []
    for _ in range(6):
        simulations_advance()
        first.refresh_from_db()
        second.refresh_from_db()
        done.append((first.paths_done, second.paths_done))

    assert done == [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]
    assert first.state == second.state == State.DONE


def test_tells_its_progress_in_the_middle_of_a_path(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "NOTE_EVERY_S", 0)
    run, seen = ask(alice), []
    whole = services._step

    def watch(row: SimulationRun, **changes: Any) -> None:
        seen.append(changes.get("progress_e8"))
        whole(row, **changes)

    monkeypatch.setattr(services, "_step", watch)
    simulations_advance()

    sixths = [RATE * n // 6 for n in (1, 2, 2, 3, 4, 4, 5, 6, 6)]
    assert seen == [*sixths, RATE]
    run.refresh_from_db()
    assert run.progress_e8 == RATE


def test_gives_up_on_a_path_that_kills_every_worker(
    alice: User, dying: Callable[[int], None]
) -> None:
    run = ask(alice)
    # The first attempt still finishes path 0, which is why it does not count.
    for _ in range(1 + services.FRUITLESS_MAX):
        dying(1)
        with pytest.raises(Killed):
            simulations_advance()
        lapse(run)

    simulations_advance()
    run.refresh_from_db()
    assert (run.state, run.report) == (State.FAILED, {})
    assert "given up" in run.error


def test_a_bug_of_the_engine_fails_the_run_and_says_where(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise EngineBug("I3 broken: free_capital_micro -1")

    monkeypatch.setattr(simulation, "simulate", broken)
    run = ask(alice)
    simulations_advance()

    run.refresh_from_db()
    assert (run.state, run.error) == (
        State.FAILED,
        "path 0: I3 broken: free_capital_micro -1",
    )
    assert ask(alice).state == State.QUEUED


def test_a_run_begun_by_other_code_is_not_mixed_with_ours(alice: User) -> None:
    run = ask(alice)
    SimulationRun.objects.filter(pk=run.pk).update(engine_sha256="0" * 64)

    simulations_advance()

    run.refresh_from_db()
    assert (run.state, run.paths.count()) == (State.FAILED, 0)
    assert "ask again" in run.error


def test_one_open_run_each(alice: User, bob: User) -> None:
    ask(alice)

    with pytest.raises(TooMany) as refused:
        ask(alice)

    assert refused.value.fields == {"open_max": 1, "retry_after_s": 12}
    assert SimulationRun.objects.count() == 1
    ask(bob)
    ask(None)
    ask(None)


@pytest.mark.parametrize(
    ("parameters", "scenario", "code", "field"),
    [
        ({"fee": "0.5"}, {}, "config_invalid", "fee"),
        ({"mm": "0.01"}, {}, "config_invalid", "mm"),
        ({"colour": "1"}, {}, "config_invalid", "colour"),
        ({}, {"days": "1000"}, "scenario_invalid", "days"),
        ({}, {"weather": "1"}, "scenario_invalid", "weather"),
        ({"quorum": "7"}, {}, "scenario_invalid", "sources"),
    ],
)
def test_refuses_what_cannot_be_run(
    alice: User, parameters: dict[str, str], scenario: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(Unprocessable) as refused:
        services.simulation_request(user=alice, parameters=parameters, scenario=scenario)

    assert (refused.value.code, refused.value.fields["field"]) == (code, field)
    assert SimulationRun.objects.count() == 0


def test_private_until_pinned(alice: User, charlie: User, staff: User) -> None:
    run = finished(alice)
    name = run.public_id

    assert selectors.simulation_of(alice, name) == selectors.simulation_of(staff, name) == run
    for stranger in (charlie, None, AnonymousUser()):
        with pytest.raises(NotFound):
            selectors.simulation_of(stranger, name)  # type: ignore[arg-type]

    services.simulation_pin(user=alice, run=run, market=open_market())

    assert selectors.simulation_of(charlie, name) == selectors.simulation_of(None, name) == run


@pytest.mark.parametrize("name", ["sim_0000000000001", "sim_", "run_0000000000000", "x" * 90])
def test_what_does_not_exist_is_not_found(alice: User, name: str) -> None:
    with pytest.raises(NotFound):
        selectors.simulation_of(alice, name)


def test_lists_only_the_users_own(alice: User, bob: User) -> None:
    run, _ = ask(alice), ask(bob)

    assert list(selectors.simulations_of(alice)) == [run]


def test_is_pinned_once_and_for_good(alice: User) -> None:
    first, second = finished(alice), finished(alice, seed="2")
    market, other = open_market(), open_market()

    services.simulation_pin(user=alice, run=first, market=market)

    assert selectors.pinned_to(market.pk) == first
    assert first.pinned_at is not None
    for run, place in ((second, market), (first, other)):
        with pytest.raises(Unprocessable, match="pinned"):
            services.simulation_pin(user=alice, run=run, market=place)
    with pytest.raises(DatabaseError), transaction.atomic():
        SimulationRun.objects.filter(pk=first.pk).update(report={})
    assert selectors.pinned_to(other.pk) is None


def test_only_a_finished_run_of_the_same_parameters_is_pinned(alice: User, bob: User) -> None:
    market, other = open_market(), open_market(fee="0.01")
    done, queued = finished(alice), ask(bob)

    for user, run, place, reason in (
        (bob, queued, market, "run"),
        (alice, done, other, "config"),
    ):
        with pytest.raises(Unprocessable) as refused:
            services.simulation_pin(user=user, run=run, market=place)
        assert (refused.value.code, refused.value.fields) == (
            "simulation_unfit",
            {"reason": reason},
        )
    market.status = Market.Status.ACTIVE
    with pytest.raises(Unprocessable):
        services.simulation_pin(user=alice, run=done, market=market)


def test_charlie_pins_nothing_of_alices_and_staff_may(
    alice: User, charlie: User, staff: User
) -> None:
    run, market = finished(alice), open_market()

    with pytest.raises(NotAllowed):
        services.simulation_pin(user=charlie, run=run, market=market)
    assert selectors.pinned_to(market.pk) is None

    services.simulation_pin(user=staff, run=run, market=market)
    assert selectors.pinned_to(market.pk) == run


def test_a_page_gets_its_plots(alice: User) -> None:
    run = finished(alice)

    shown = selectors.overview(run)

    assert shown is not None
    assert sum(bar.paths for bar in shown.bins) == 3
    assert shown.bins[0].low_micro == min(run.report["profits_micro"])
    assert shown.bins[-1].high_micro > max(run.report["profits_micro"])
    assert [row.size_micro // 10**6 for row in shown.sizes] == [10, 50, 100, 500, 1000, 5000] * 2
    assert shown.sizes[0].slippage_mean_e8 is not None
    assert shown.sizes[5].slippage_mean_e8 is None
    assert shown.sizes[5].refused
    assert [len(day) for day in shown.days_micro] == [5, 5]
    assert shown.worst_day_e8 < 0 or shown.report["worst_day"]["change_micro"] >= 0
    assert selectors.overview(ask(alice)) is None


def test_a_page_gets_a_path_by_the_hour(alice: User) -> None:
    run = finished(alice)

    path = selectors.path_of(run, 2)

    assert path.profit_micro == run.report["profits_micro"][2]
    assert len(path.hours.pool_micro) == 49
    with pytest.raises(NotFound):
        selectors.path_of(run, 3)


def test_rows_are_never_deleted(alice: User) -> None:
    run = finished(alice)

    for rows in (SimulationPath.objects.filter(run=run), SimulationRun.objects.filter(pk=run.pk)):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.delete()


@pytest.mark.parametrize("model", [m._meta.model_name for m in (SimulationRun, SimulationPath)])
def test_staff_sees_everything_and_changes_nothing(
    alice: User, charlie: User, staff: User, client: Client, model: str
) -> None:
    finished(alice)
    row = apps.get_model("liquidity", model)._default_manager.all()[:1].get()
    listed = reverse(f"admin:liquidity_{model}_changelist")
    shown = reverse(f"admin:liquidity_{model}_change", args=[row.pk])

    client.force_login(staff)
    assert client.get(listed).status_code == client.get(shown).status_code == 200
    assert client.post(shown, {"state": "failed"}).status_code == 403
    client.force_login(charlie)
    assert client.get(listed).status_code == client.get(shown).status_code == 302


def test_the_migration_can_be_taken_back() -> None:
    call_command("migrate", "liquidity", "zero", verbosity=0)
    assert "liquidity_simulationrun" not in connection.introspection.table_names()

    call_command("migrate", "liquidity", verbosity=0)
    assert "liquidity_simulationrun" in connection.introspection.table_names()
