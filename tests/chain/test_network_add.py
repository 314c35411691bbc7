"""Networks known by name made rows, and the warnings where one endpoint is believed alone."""

import io
from typing import Any

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from chain import checks as ours
from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.core.addresses import fault_of
from chain.hashing import keccak256
from chain.models import Network
from chain.services import lag, metrics, network_add
from exchange.models import User
from tests.chain.driver import Chain, Embedded
from tests.chain.liar import lying
from tests.chain.stage import depositor, network_of

pytestmark = pytest.mark.django_db
TWO = ("--endpoint", "env:RPC_A", "--endpoint", "env:RPC_B")


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


def _as(chain: Chain, chain_id: int, token: str) -> Node:
    """Return the chain as another one that has the token at another address."""

    def lie(method: str, params: Any, result: Any) -> Any:
        if method == "eth_chainId":
            return hex(chain_id)
        is_token = method == "eth_call" and params[0]["to"] == token
        return "0x" + f"{6:064x}" if is_token else result

    return lying(chain.node, lie)


def test_every_known_network_is_spelt_right() -> None:
    known = network_add.known()
    addresses = [terms[name] for terms in known.values() for name in ("token", "bridged_token")]

    assert [each for each in addresses if each and fault_of(each, keccak256)] == []
    assert len({terms["chain_id"] for terms in known.values()}) == len(known)
    assert known["arbitrum"]["token"] == "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"


@pytest.mark.parametrize("name", sorted(network_add.known()))
def test_a_known_network_becomes_a_row(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    terms = network_add.known()[name]
    node = _as(chain, terms["chain_id"], terms["token"].lower())
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [node, node])
    chain.mine(20)
    told = io.StringIO()
    call_command("chain_add", name, *TWO, "--heads", "env:WS", stdout=told)

    row = Network.objects.get()
    assert (row.chain_id, row.name, row.endpoints) == (
        terms["chain_id"], terms["name"], ["env:RPC_A", "env:RPC_B"],
    )  # fmt: skip
    assert (row.token, row.bridged_token) == (
        terms["token"].lower(), terms["bridged_token"].lower(),
    )  # fmt: skip
    assert (row.finality_blocks, row.is_demo, row.heads) == (0, False, "env:WS")
    assert row.start_block == chain.height - chain.finality_lag + 1
    assert f"chain_wallet {row.chain_id}" in told.getvalue()
    with pytest.raises(CommandError, match="there already"):
        call_command("chain_add", name, *TWO)


def test_what_is_not_that_chain_becomes_none(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = network_add.known()["arbitrum"]
    with pytest.raises(CommandError, match="two endpoints"):
        call_command("chain_add", "arbitrum", "--endpoint", "env:RPC_A")
    right = _as(chain, terms["chain_id"], terms["token"].lower())
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [right, chain.node])
    with pytest.raises(CommandError, match=f"is on chain {chain.chain_id}, not on 42161"):
        call_command("chain_add", "arbitrum", *TWO)
    bare = _as(chain, terms["chain_id"], "0x")
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [right, bare])
    with pytest.raises(CommandError, match="something else than one word"):
        call_command("chain_add", "arbitrum", *TWO)
    assert not Network.objects.exists()


def test_one_endpoint_alone_is_warned_of_everywhere(
    chain: Chain, client: Client, alice: User
) -> None:
    row = network_of(chain, endpoints=["env:RPC_A", "env:RPC_A"], is_demo=False)
    depositor()
    assert [found.id for found in _warnings()] == ["chain.W001"]
    registry = CollectorRegistry()
    registry.register(metrics.Chains())
    told = generate_latest(registry).decode()
    assert f'megatron_chain_one_endpoint{{network="{row.name}"}} 1.0' in told
    client.force_login(alice)
    assert "Read through one node" in client.get("/wallet/").content.decode()

    for fields in ({"endpoints": ["env:RPC_A", "env:RPC_B"]}, {"is_demo": True}):
        Network.objects.update(endpoints=["env:RPC_A"], is_demo=False)
        Network.objects.update(**fields)
        assert _warnings() == []
        assert "Read through one node" not in client.get("/wallet/").content.decode()


def _warnings() -> list[checks.CheckMessage]:
    found = checks.run_checks(include_deployment_checks=True)
    return [message for message in found if str(message.id).startswith("chain.")]


def test_without_a_database_there_is_nothing_to_warn_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> list[Network]:
        raise OperationalError("no database")

    monkeypatch.setattr(lag, "read_alone", away)
    assert ours.networks_have_two_endpoints() == []
