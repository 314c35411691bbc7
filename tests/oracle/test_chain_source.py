"""A chain as a source of numbers: exact, from a final block, by a node nobody else sees."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from exchange import clock
from oracle.models import CachedAnswer, Source
from oracle.services.sources import complaint
from oracle.sources import registry
from oracle.sources.base import SourceDown
from oracle.sources.chain import Q96
from oracle.sources.http import Client
from tests.fakes.feed_server import Feed, serving
from tests.fakes.replies import NOON

pytestmark = pytest.mark.django_db
POOL = "0x" + "a1" * 20
BLOCK_S = int((NOON - timedelta(minutes=2)).timestamp())
SINCE = NOON - timedelta(days=1)


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    plain = Client(
        resolve=lambda _host, _port: ["127.0.0.1"],
        permits=lambda _address: True,
        pause=lambda _seconds: None,
        answer_s_max=2.0,
    )
    monkeypatch.setattr(registry, "CLIENT", plain)
    with serving(Feed()) as served, time_machine.travel(NOON):
        settings.ORACLE_KEYS = {"rpc": f"{served.root}/v1/s3cret"}
        yield served


def word(number: int) -> str:
    return f"{number:064x}"


def said(server: Feed, result: str = "", **block: Any) -> None:
    answers = [
        {
            "id": 1,
            "result": {"timestamp": hex(BLOCK_S), "baseFeePerGas": hex(12_345_678_901), **block},
        },
        {"id": 2, "result": result},
    ]
    server.body = json.dumps(answers).encode()


def observed(series: str, **options: Any) -> list[Any]:
    row, _ = Source.objects.get_or_create(name="node", kind="chain")
    row.options, row.hosts = options, ["feed.example"]
    CachedAnswer.objects.all().delete()
    return registry.build(row, lambda: None).observe(series, SINCE, clock.now())


def test_gas_is_the_base_fee_of_a_final_block(server: Feed) -> None:
    said(server)
    (number,) = observed("gas")
    assert (number.value_pico, number.unit) == (12_345_678_901_000, "gwei")
    assert number.observed_at == number.released_at == datetime.fromtimestamp(BLOCK_S, UTC)
    sent = json.loads(server.bodies[-1])
    assert [one["method"] for one in sent] == ["eth_getBlockByNumber"]
    assert sent[0]["params"] == ["finalized", False]


def test_a_pool_s_price_is_exact(server: Feed) -> None:
    said(server, "0x" + word(50 * Q96) + word(0))
    (number,) = observed(f"v3:{POOL}", decimals_0=18, decimals_1=6)
    assert number.value_pico == 2_500 * 10**12 * 10**12
    said(server, "0x" + word(4 * 10**18) + word(10_000 * 10**6) + word(0))
    (number,) = observed(f"v2:{POOL}", decimals_0=18, decimals_1=6)
    assert number.value_pico == 2_500 * 10**12
    sent = json.loads(server.bodies[-1])
    assert sent[1]["params"] == [{"to": POOL, "data": "0x0902f1ac"}, "finalized"]


@pytest.mark.parametrize(
    "answer",
    [
        b"{}",
        b"[]",
        b'[{"id": 1, "error": {}}]',
        b'[{"id": 1, "result": null}]',
        b'[{"id": 1, "result": {"timestamp": "0x1", "baseFeePerGas": 5}}]',
        b'[{"id": 1, "result": {"timestamp": "later", "baseFeePerGas": "0x1"}}]',
    ],
)
def test_what_has_another_form_is_refused_whole(server: Feed, answer: bytes) -> None:
    server.body = answer
    with pytest.raises(SourceDown):
        observed("gas")


@pytest.mark.parametrize("result", ["0x", "0x" + word(0) + word(0), "0x" + "z" * 128])
def test_a_pool_without_a_price_is_refused(server: Feed, result: str) -> None:
    said(server, result)
    for kind in ("v2", "v3"):
        with pytest.raises(SourceDown):
            observed(f"{kind}:{POOL}")


@pytest.mark.parametrize("series", ["", "gas2", "v3:", "v3:a1", f"v4:{POOL}", f"v3:{POOL}/x"])
def test_a_senseless_series_is_not_asked_for(server: Feed, series: str) -> None:
    with pytest.raises(SourceDown):
        observed(series)
    assert server.paths == []


def test_the_node_s_address_is_nowhere_to_be_read(server: Feed, settings: Any) -> None:
    said(server)
    observed("gas")
    assert server.paths[-1] == "/v1/s3cret"
    kept = str(list(CachedAnswer.objects.values())) + str(list(Source.objects.values()))
    assert "s3cret" not in kept
    settings.ORACLE_KEYS = {}
    with pytest.raises(SourceDown, match="ORACLE_RPC_URL"):
        observed("gas")


def test_a_key_travels_over_https_only_and_to_a_listed_host(settings: Any) -> None:
    row = Source(kind="chain", options={}, hosts=["node.example"])
    for url, good in (
        ("https://node.example/k", True),
        ("http://node.example/k", False),
        ("https://other.example/k", False),
        ("", False),
    ):
        settings.ORACLE_KEYS = {"rpc": url}
        assert (complaint(row) == "") == good
    settings.ORACLE_KEYS = {"rpc": "https://node.example/k"}
    for options in ({"block": "pending"}, {"decimals_0": 40}, {"url": "x", "what": 1}):
        assert complaint(Source(kind="chain", options=options, hosts=["node.example"]))
