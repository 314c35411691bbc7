"""Ranges read again: asked for in the admin, read in the background, told; lag; their figures."""

import io

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from chain import tasks
from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.errors import NodeFault
from chain.models import Backfill, Deposit, ScanState
from chain.services import backfills, lag, metrics
from exchange import clock
from exchange.models import StaffAction, User
from tests.chain.desk import browser_of, choose, colleague
from tests.chain.driver import Chain, Embedded
from tests.chain.stage import cash_of, depositor, network_of, scan_all

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def state(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> ScanState:
    """Return the scan of a network that is read up to its head."""
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    network = network_of(chain, finality_blocks=3, endpoints=["one"])
    chain.mine(8)
    scan_all(network, [chain.node])
    return ScanState.objects.get()


def _forgotten(state: ScanState, chain: Chain) -> User:
    """Return somebody whose deposit is final, and whose row was lost, as by a restored backup."""
    user, row = depositor()
    chain.pay(row.address, 7)
    chain.mine(6)
    scan_all(state.network, [chain.node])
    with pgtrigger.ignore("chain.Deposit:deposit_never_deleted"):
        Deposit.objects.all().delete()
    state.refresh_from_db()
    return user


def _figures() -> str:
    registry = CollectorRegistry()
    registry.register(metrics.Chains())
    return generate_latest(registry).decode()


def test_a_range_is_asked_for_read_in_the_background_and_told(
    state: ScanState, chain: Chain
) -> None:
    user = _forgotten(state, chain)
    desk = browser_of(colleague("Desk"))
    page = choose(desk, state, "backfill", first=0, last=state.final_number)
    assert f"{state.final_number + 1} blocks are read in the background" in page
    assert not Deposit.objects.exists()
    assert _figure("backfill_blocks_left", state) == f"{state.final_number + 1}.0"
    assert "another range" in choose(desk, state, "backfill", first=0, last=1)

    assert tasks.backfills_advance() == state.final_number + 1
    assert tasks.backfills_advance() == 0
    scan_all(state.network, [chain.node])
    row = Backfill.objects.get()
    assert (row.state, row.hits, row.new, cash_of(user)) == ("done", 1, 1, 7)
    listed = desk.get(reverse("admin:chain_backfill_changelist")).content.decode()
    assert "done" in listed
    assert StaffAction.objects.get().verb == f"network.backfill_0_{state.final_number}"
    assert _figure("backfill_deposits_found", state) == "1.0"
    assert _figure("backfill_blocks_left", state) == "0.0"


def _figure(name: str, state: ScanState) -> str:
    head = f'megatron_chain_{name}{{network="{state.network.name}"}} '
    return _figures().partition(head)[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (5, 4, "does not end before it begins"),
        (0, 10**9, "only final blocks"),
        (-1, 4, "errorlist"),
    ],
)
def test_what_is_no_range_is_refused(state: ScanState, first: int, last: int, words: str) -> None:
    page = choose(browser_of(colleague("Desk")), state, "backfill", first=first, last=last)

    assert words in page
    assert not Backfill.objects.exists()
    assert not StaffAction.objects.exists()


def test_a_range_has_a_bound(state: ScanState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfills, "BLOCKS_MOST", 5)
    desk = browser_of(colleague("Desk"))

    assert "at most 5 blocks" in choose(desk, state, "backfill", first=0, last=5)
    assert "5 blocks are read" in choose(desk, state, "backfill", first=0, last=4)


def test_a_fault_is_kept_tried_again_and_given_up_in_the_end(
    state: ScanState, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = _forgotten(state, chain)
    row = backfills.ask(network=state.network, first=0, last=state.final_number)

    def broken(_: bytes) -> bytes:
        raise NodeFault("this one does not answer")

    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [Node("away", broken)])
    assert tasks.backfills_advance() == 0
    row.refresh_from_db()
    assert (row.state, row.faults, row.error) == ("waiting", 1, "this one does not answer")
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    tasks.backfills_advance()
    scan_all(state.network, [chain.node])
    row.refresh_from_db()
    assert (row.state, row.faults, row.error, cash_of(user)) == ("done", 0, "", 7)

    lost = backfills.ask(network=state.network, first=0, last=1)
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [Node("away", broken)])
    Backfill.objects.filter(pk=lost.pk).update(faults=backfills.FAULTS_MOST - 1)
    tasks.backfills_advance()
    lost.refresh_from_db()
    assert lost.state == "given up"
    assert _figure("backfills_given_up", state) == "1.0"


def test_two_workers_read_a_range_once(state: ScanState, chain: Chain) -> None:
    row = backfills.ask(network=state.network, first=0, last=state.final_number)
    Backfill.objects.update(lease_until=clock.now() + backfills.LEASE)
    assert backfills.advance(row, [chain.node]) == 0
    with clock.shifted(61):
        assert backfills.advance(row, [chain.node]) == state.final_number + 1


def test_the_command_ends_what_it_could_not_read(
    state: ScanState, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [str(chain.chain_id), "0", str(state.final_number)]
    with monkeypatch.context() as patched:
        patched.setattr(chain.node, "_transport", lambda _: b"<html>")
        with pytest.raises(CommandError, match="something else"):
            call_command("chain_backfill", *words)
    call_command("chain_backfill", *words)

    assert [row.state for row in Backfill.objects.all()] == ["done", "given up"]


def test_lag_is_counted_to_what_two_endpoints_agree_on(state: ScanState, chain: Chain) -> None:
    height = state.head_number
    alone = lag.lag_of(state)
    assert (alone.head, alone.seen, alone.final, alone.credited) == (
        height, height, height - 3, height - 3,
    )  # fmt: skip
    state.network.endpoints = ["one", "other"]
    state.network.save()
    state.verified_number = height - 5
    state.save()
    found = lag.lag_of(state)
    assert (found.credited, found.verified) == (height - 5, height - 5)
    assert _figure("credit_behind_blocks", state) == "2.0"
    with clock.shifted(90):
        assert 90 <= lag.lag_of(state).seconds_behind < 100


def test_the_command_tells_every_endpoint_and_fails_when_it_is_late(
    state: ScanState, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: bytes) -> bytes:
        raise NodeFault("away does not answer")

    nodes = [chain.node, Node("away", broken)]
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: nodes)
    told = io.StringIO()
    call_command("chain_lag", "--most-s", "60", stdout=told)
    lines = told.getvalue().splitlines()
    assert f"({chain.chain_id}): head {state.head_number}, seen {state.head_number}" in lines[0]
    assert lines[1].startswith(f"  embedded: head {chain.height}")
    assert lines[2] == "  away: away does not answer"
    with clock.shifted(90), pytest.raises(SystemExit):
        call_command("chain_lag", "--most-s", "60", stdout=told)
