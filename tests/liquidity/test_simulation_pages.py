"""The launch simulator's pages without scripts: the form, the progress, the plots, the pin."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client

from exchange.engines.variable import Config
from exchange.figures import MINUS
from exchange.models import Market, StaffAction, User
from liquidity.core.simulation import Scenario
from liquidity.models import SimulationRun
from liquidity.services import decisions
from liquidity.services import simulations as services
from liquidity.tasks import simulations_advance
from liquidity.views.simulation_plots import axis, day_labels
from tests.factories import open_market, usdc
from tests.liquidity.proposals import proposed
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db
Watch = Callable[[], AbstractContextManager[None]]
LIST = "/liquidity/simulations/"
NEW = f"{LIST}new/"
SHORT = {"days": "2", "paths": "3", "whale_day": "1"}
State = SimulationRun.State


def said(response: Any) -> str:
    return text(response).replace("\u202f", " ")


def address(run: SimulationRun) -> str:
    return f"{LIST}{run.public_id}/"


def ask(user: User | None, market: Market | None = None, **scenario: str) -> SimulationRun:
    parameters = market.config if market else {}
    return services.simulation_request(
        user=user, parameters=parameters, scenario={**SHORT, **scenario}
    )


def finished(user: User | None, market: Market | None = None, **scenario: str) -> SimulationRun:
    run = ask(user, market, **scenario)
    simulations_advance()
    run.refresh_from_db()
    assert run.state == State.DONE
    return run


@pytest.fixture
def gas(db: None) -> Market:
    return open_market("gas", soft_cap="1000", hard_cap="2000", quorum="2", fee="0.01")


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_a_run_from_the_form_to_its_plots(as_alice: Client) -> None:
    empty = form(as_alice.get(NEW), NEW)

    sent = as_alice.post(NEW, empty | SHORT | {"fee": "1", "lie": "-5"})

    run = SimulationRun.objects.get()
    assert sent.headers["Location"] == address(run)
    assert (run.config["fee"], run.config["lag_free"]) == ("0.01000000", "0.02000000")
    assert (run.scenario["lie"], run.scenario["shorts"]) == ("-0.05000000", "0.30000000")
    queued = as_alice.get(address(run))
    assert "Waiting for a worker" in text(queued)
    assert 'hx-trigger="every 2s"' in body(queued)

    simulations_advance()
    done = as_alice.get(address(run))

    assert "hx-trigger" not in body(done)
    for heading in ("Slippage by size", "Providers' results", "The worst path", "What was assumed"):
        assert heading in text(done)
    assert body(done).count("<svg viewBox") > 5
    assert f"reported a change of {MINUS}5.00 %" in said(done)
    assert "The median path" in text(done)


def test_the_untouched_form_is_the_default(as_alice: Client, alice: User) -> None:
    untouched = form(as_alice.get(NEW), NEW)
    as_alice.post(NEW, untouched)

    asked = SimulationRun.objects.get()
    assert asked.scenario == Scenario.parse({}).to_mapping()
    assert asked.config == Config.parse({}).to_mapping()


def test_progress_and_failure(as_alice: Client, alice: User) -> None:
    run = ask(alice)
    SimulationRun.objects.update(state="running", progress_e8=42 * 10**6, paths_done=1)
    running = said(as_alice.get(address(run)))
    assert "Path 2 of 3" in running
    assert "42 %" in running
    assert "Running" in said(as_alice.get(LIST))
    assert 'hx-trigger="every 5s"' in body(as_alice.get(LIST))

    SimulationRun.objects.update(state="failed", error="path 1: I3 broken")
    failed = as_alice.get(address(run))

    assert "path 1: I3 broken" in text(failed)
    assert "hx-trigger" not in body(failed)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"days": "0"}, "From 1 to 365 days."),
        ({"days": "two"}, "“two” is no figure."),
        ({"informed": "101"}, "From 0 to 100 %."),
        ({"informed": "1.1234567"}, "“1.1234567” is no figure."),
        ({"orders": "-1"}, "“-1” is no figure."),
        ({"pool": "10"}, "The market takes from 2 500.00 to 25 000.00 USDC."),
        ({"sources": "2"}, "The market needs 3 independent readers"),
        ({"days": "365", "paths": "50", "orders": "2000"}, "This takes too long"),
        ({"fee": "50"}, "From 0.3 to 2 %."),
        ({"quorum": "0"}, "At least 1."),
        ({"fee": "x"}, "This is no figure."),
        ({"hard_cap": "100"}, "The most that is taken is at least the goal."),
        ({"max_stale": "60"}, "Opens pause no sooner than the oracle runs."),
    ],
)
def test_a_fault_stands_beside_its_knob(
    as_alice: Client, nothing_happened: Watch, typed: dict[str, str], words: str
) -> None:
    empty = form(as_alice.get(NEW), NEW)

    with nothing_happened():
        response = as_alice.post(NEW, empty | typed)

    assert response.status_code == 422
    assert words in said(response)
    assert 'aria-invalid="true"' in body(response)
    assert form(response, NEW) | typed == form(response, NEW)
    assert SimulationRun.objects.count() == 0


def test_every_fault_is_told_at_once(as_alice: Client) -> None:
    empty = form(as_alice.get(NEW), NEW)

    page = said(as_alice.post(NEW, empty | {"days": "0", "paths": "99", "fee": "50"}))

    for words in ("From 1 to 365 days.", "From 1 to 50.", "From 0.3 to 2 %."):
        assert page.count(words) == 2, "in the summary and beside the field"


def test_what_is_typed_is_escaped(as_alice: Client) -> None:
    empty = form(as_alice.get(NEW), NEW)

    assert "<b>x" not in body(as_alice.post(NEW, empty | {"days": '"><b>x'}))


def test_a_second_run_waits_for_the_first(as_alice: Client, alice: User) -> None:
    run = ask(alice)
    page = as_alice.get(NEW)
    assert address(run) in body(page)

    refused = as_alice.post(NEW, form(page, NEW))

    assert refused.status_code == 429
    assert "still running" in text(refused)
    assert SimulationRun.objects.count() == 1


def test_begins_with_a_market_and_is_pinned_to_it(
    as_alice: Client, client: Client, alice: User, gas: Market
) -> None:
    page = as_alice.get(NEW, {"from": "market:gas"})
    filled = form(page, NEW)
    assert (filled["fee"], filled["quorum"], filled["soft_cap"]) == ("1", "2", "1000")
    as_alice.post(NEW, filled | SHORT)
    run = SimulationRun.objects.get()
    assert run.config == gas.config
    assert "No run is pinned yet" in text(as_alice.get("/liquidity/gas/"))
    simulations_advance()

    assert "Pin to Gas" in text(as_alice.get(address(run)))
    pinned = as_alice.post(f"{address(run)}pin/", {"market": "gas"}, follow=True)

    assert "Pinned to Gas, for everybody to read." in text(pinned)
    assert "Pin to Gas" not in text(pinned)
    client.logout()
    assert "Slippage by size" in text(client.get(address(run)))
    funding = client.get("/liquidity/gas/")
    assert "Worst day of all paths" in text(funding)
    assert address(run) in body(funding)


def test_a_contribution_shows_the_worst_day_of_the_pinned_run(
    as_alice: Client, alice: User, gas: Market
) -> None:
    run = finished(alice, gas)
    services.simulation_pin(user=alice, run=run, market=gas)
    worst = run.report["worst_day"]["change_micro"]

    page = said(as_alice.get("/liquidity/gas/", {"amount": "100"}))

    share_e8 = worst * 10**8 // usdc("1000")
    percent = f"{abs(share_e8 * 10_000 // 10**8) / 100:.2f} %"
    assert "none pinned" not in page
    assert percent in page.partition("Worst day of the pinned simulation")[2][:40]


def test_begins_with_a_proposal_and_stands_on_its_page(
    as_alice: Client, client: Client, alice: User, charlie: User, staff: User
) -> None:
    request = proposed(alice, "Rain in Lima", parameters={"fee": "0.012"})
    source = f"request:{request.public_id}"
    proposal = f"/liquidity/requests/{request.public_id}/"
    assert source in body(as_alice.get(proposal))
    assert form(as_alice.get(NEW, {"from": source}), NEW)["fee"] == "1.2"
    decisions.request_approve(actor=staff, request=request, reason="well specified")
    request.refresh_from_db()
    market = request.market
    assert market is not None

    # The numbers are right, but it is for Alice or for staff to choose.
    other = finished(charlie, market, seed="2")
    client.force_login(charlie)
    assert "Pin to" not in text(client.get(address(other)))
    refused = client.post(f"{address(other)}pin/", {"market": market.slug}, follow=True)
    assert "Whoever proposed this market chooses its simulation." in text(refused)
    run = finished(alice, market)
    client.force_login(alice)
    client.post(f"{address(run)}pin/", {"market": market.slug})

    assert "Worst day of all paths" in text(client.get(proposal))
    assert client.get(NEW, {"from": "request:req_0000000000009"}).status_code == 404
    client.force_login(charlie)
    assert client.get(NEW, {"from": source}).status_code == 404


def test_runs_again_with_other_parameters(as_alice: Client, alice: User) -> None:
    run = finished(alice, seed="7")

    again = form(as_alice.get(NEW, {"from": f"run:{run.public_id}"}), NEW)
    as_alice.post(NEW, again | {"fee": "0.8"})

    second = SimulationRun.objects.exclude(pk=run.pk).get()
    assert second.scenario == run.scenario
    assert {k for k in run.config if run.config[k] != second.config[k]} == {"fee", "lag_free"}


def test_charlie_sees_nothing_until_it_is_pinned(
    client: Client, alice: User, charlie: User, gas: Market, nothing_happened: Watch
) -> None:
    run = finished(alice, gas)
    for signed_in in (False, True):
        if signed_in:
            client.force_login(charlie)
            assert run.public_id not in body(client.get(LIST))
            assert client.get(NEW, {"from": f"run:{run.public_id}"}).status_code == 404
            with nothing_happened():
                pin = client.post(f"{address(run)}pin/", {"market": "gas"})
            assert pin.status_code == 404
        assert client.get(address(run)).status_code == 404

    services.simulation_pin(user=alice, run=run, market=gas)

    page = client.get(address(run))
    assert page.status_code == 200
    assert "Pin to" not in text(page)


def test_one_path_is_enough(as_alice: Client, alice: User) -> None:
    run = finished(alice, paths="1", days="1", whale="0", sniper="0", informed="0", dead="0")

    page = text(as_alice.get(address(run)))

    assert "One path has no distribution." in page
    assert "The median path, and the worst" in page
    assert "None falls silent." in page


def test_nobody_trades(as_alice: Client, alice: User) -> None:
    run = finished(alice, orders="0", whale="0", sniper="0", liars="0", volatility="0", jumps="0")

    page = as_alice.get(address(run))

    assert "No order was refused." in text(page)


def test_staff_run_it_for_a_market_with_a_reason(client: Client, staff: User, gas: Market) -> None:
    run_page, table = ("/admin/liquidity/simulationrun/" + part for part in ("run/", ""))
    client.force_login(staff)
    assert run_page in body(client.get(table))
    assert client.post(run_page, {"market": "gas", "reason": ""}).status_code == 200
    assert client.post(run_page, {"market": "oil", "reason": "to see it"}).status_code == 200
    assert SimulationRun.objects.count() == StaffAction.objects.count() == 0

    client.post(run_page, {"market": "gas", "reason": "before it is funded"})

    run, action = SimulationRun.objects.get(), StaffAction.objects.get()
    assert (run.requester, run.config) == (None, gas.config)
    assert (action.verb, action.target) == ("simulation.requested", "market gas")
    assert (action.reason, action.actor) == ("before it is funded", staff)
    assert address(run) in body(client.get(f"{table}{run.pk}/change/"))


def test_staff_pin_the_houses_own_run(client: Client, staff: User, gas: Market) -> None:
    run = finished(None, gas)
    client.force_login(staff)
    assert "Pin to Gas" in text(client.get(address(run)))

    client.post(f"{address(run)}pin/", {"market": "gas"})

    run.refresh_from_db()
    assert run.market == gas


def test_only_staff_press_the_button(client: Client, charlie: User, gas: Market) -> None:
    client.force_login(charlie)

    client.post("/admin/liquidity/simulationrun/run/", {"market": "gas", "reason": "to see it"})

    assert SimulationRun.objects.count() == 0


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 7, ("8", "6", "4", "2", "0")),
        (-3, 3, ("4", "2", "0", "-2", "-4")),
        (0, 0, ("1", "0")),
        (5, 5, ("6", "5")),
        (0, 100, ("100", "50", "0")),
        (2_400, 2_600, ("2600", "2550", "2500", "2450", "2400")),
    ],
)
def test_an_axis_has_round_figures(low: int, high: int, labels: tuple[str, ...]) -> None:
    assert axis(low, high, str).labels == labels


@pytest.mark.parametrize(
    ("days", "labels"),
    [(90, "0 15 30 45 60 75 90"), (7, "0 7"), (1, "0 1"), (365, "0 73 146 219 292 365")],
)
def test_days_are_evenly_apart(days: int, labels: str) -> None:
    assert " ".join(day_labels(days)) == labels
