"""Proofs of reserves while money crosses the line, and those in which some is truly missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry
from structlog.testing import capture_logs

from chain import tasks
from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.models import Deposit, ReserveProof
from chain.services import calls, metrics, pump, reserves
from exchange.models import User
from tests.chain.driver import Chain, Embedded
from tests.chain.paying import Till, withdraw
from tests.chain.stage import cash_of, depositor, scan, scan_all
from tests.chain.thief import steal
from tests.factories import (
    active_market,
    ask,
    buy,
    funded_user,
    joined,
    rested,
    running_session,
    short,
    ticked,
    usdc,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    """Return a till that holds exactly what is owed: Alice's thousand."""
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    found = Till(chain, tmp_path, float_="1000")
    chain.mine(4)
    scan_all(found.network, [chain.node])
    return found


def _read(till: Till) -> None:
    scan_all(till.network, [till.chain.node])


def _spare(proof: ReserveProof) -> int:
    """Return what is held beyond what is owed, by the proof's own account."""
    owed = proof.liabilities_micro - proof.paid_micro + proof.leaving_micro
    return proof.holdings_micro - owed + proof.arriving_micro


def test_a_payment_between_its_block_and_its_settlement_is_not_missing(
    till: Till, alice: User
) -> None:
    assert _spare(reserves.prove()) == 0
    withdraw(alice, till.network, "100")
    till.round()
    till.chain.mine(5)
    _read(till)  # final by the scan, and nobody has settled it
    during = reserves.prove()
    assert (during.shortfall_micro, during.paid_micro) == (0, usdc("100"))
    assert during.holdings_micro == usdc("900")
    assert _spare(during) == 0
    shown = Client().get("/reserves/").content.decode()
    assert "Everything owed is held" in shown
    assert "Paid out by that block, not yet taken from what is owed" in shown
    told = Client().get("/api/v1/reserves/").json()
    assert (told["paid"], told["shortfall"]) == ("100.000000", "0.000000")

    till.finish()
    _read(till)
    after = reserves.prove()
    assert (after.paid_micro, after.shortfall_micro, _spare(after)) == (0, 0, 0)
    assert "Paid out by that block" not in Client().get("/reserves/").content.decode()


def test_a_payment_settled_above_the_proofs_block_hides_nothing(till: Till, alice: User) -> None:
    withdraw(alice, till.network, "100")
    till.finish()  # settled, and the scan is behind
    during = reserves.prove()
    assert during.holdings_micro == usdc("1000")
    assert (during.leaving_micro, _spare(during)) == (usdc("100"), 0)

    steal(till, 1, usdc("30"))
    till.chain.mine(5)
    assert reserves.prove().shortfall_micro == 0  # not yet read
    _read(till)
    assert reserves.prove().shortfall_micro == usdc("30")


def test_what_was_taken_back_or_failed_is_owed(
    till: Till, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdraw(alice, till.network, "100")
    till.round()
    found = reserves.prove()
    assert (found.paid_micro, _spare(found)) == (0, 0)
    till.chain.node.call("anvil_dropAllTransactions", [], object)
    till.chain._recount()
    till.chain.mine(5)
    _read(till)
    assert reserves.prove().paid_micro == 0


def test_money_credited_early_is_counted_where_it_is(chain: Chain, tmp_path: Path) -> None:
    till = Till(
        chain, tmp_path, float_="0", finality_blocks=0, safe_up_to_micro=10**9,
        safe_user_cap_micro=10**9, safe_total_cap_micro=10**9,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
        chain.mine(17)
        _read(till)
        user, row = depositor()
        chain.pay(row.address, usdc("50"))
        chain.mine(10)
        scan(till.network, chain.node)
        assert cash_of(user) == usdc("50")
        assert Deposit.objects.get().final_at is None
        proof = reserves.prove()
        assert (proof.arriving_micro, proof.shortfall_micro, _spare(proof)) == (usdc("50"), 0, 0)


def test_a_real_shortfall_sounds_and_is_public(till: Till, alice: User) -> None:
    withdraw(alice, till.network, "100")
    till.round()
    till.chain.mine(5)
    steal(till, 1, usdc("30"))
    till.chain.mine(5)
    _read(till)
    with capture_logs() as logs:
        proof = reserves.prove()

    assert (proof.shortfall_micro, proof.paid_micro) == (usdc("30"), usdc("100"))
    assert [log for log in logs if log["event"] == "chain.reserves_short"] == [
        {"event": "chain.reserves_short", "log_level": "error", "missing_micro": usdc("30")}
    ]
    registry = CollectorRegistry()
    registry.register(metrics.Chains())
    assert "megatron_reserves_short_micro 3e+07" in generate_latest(registry).decode()
    assert "30.00 USDC are missing" in Client().get("/reserves/").content.decode()
    pump.pump(network=till.network, nodes=till.nodes, signer=till.signer)


def test_two_proofs_at_once_are_one(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    real = calls.balances
    inside: list[bool | None] = []

    def slow(node: Node, token: str, holders: Sequence[str], block: int | str) -> list[int]:
        if not inside:
            inside.append(None)
            inside.append(tasks.reserves_prove())
        return real(node, token, holders, block)

    monkeypatch.setattr(calls, "balances", slow)
    assert tasks.reserves_prove()
    assert inside == [None, True]
    assert ReserveProof.objects.count() == 1
    # asked for later it is another one
    reserves.prove()
    assert ReserveProof.objects.count() == 2


def test_one_proof_has_every_kind_and_no_play_money(till: Till, alice: User) -> None:
    market = active_market("oil")
    buy(alice, market, "100")
    short(funded_user("500"), market, "2")
    rested(funded_user("500"), market)
    withdraw(alice, till.network, "50")
    session = running_session(name="Zoo")
    ask(joined(session, "Ann"), "buy", "0y", "10")
    ticked(session, 2)
    kinds: dict[str, Any] = reserves.prove().kinds

    for kind in ("cash", "reserved", "escrow", "house pool", "house lp_fees", "house treasury"):
        assert int(kinds[kind]) > 0, kind
    assert not [kind for kind in kinds if "play" in kind]
    proof = ReserveProof.objects.latest("pk")
    assert proof.liabilities_micro == sum(map(int, kinds.values()))
