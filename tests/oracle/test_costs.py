"""What a source with a price costs: each request booked, the day's money never exceeded."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from exchange import clock
from exchange.models import Market
from oracle.core import cadence
from oracle.models import CachedAnswer, CostEntry, Source
from oracle.services.hashing import digest_of
from oracle.services.sources import source_save
from oracle.sources import registry
from oracle.sources.http import RETRIES_MAX, Client
from tests.fakes.feed_server import Feed, serving
from tests.oracle import world

pytestmark = pytest.mark.django_db

PRICE_MICRO = 1_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Feed]:
    settings.ORACLE_KEYS = {"serper": "key"}
    client = Client(
        resolve=lambda _host, _port: ["127.0.0.1"],
        permits=lambda address: address == "127.0.0.1",
        pause=lambda _seconds: None,
    )
    monkeypatch.setattr(registry, "CLIENT", client)
    found = [{"title": world.GOOD, "source": "Harbour Wire", "date": "5 minutes ago"}]
    with serving(Feed(body=json.dumps({"news": found}).encode())) as served:
        yield served


def market(server: Feed, **changes: Any) -> Market:
    """Return a market over a search that costs a tenth of a cent a question."""
    source_save(name="search", kind="serper", options={}, cost_micro=PRICE_MICRO)
    Source.objects.update(options={"url": server.root}, hosts=["feed.example"])
    return world.oracle_market("search", **changes)


def forget() -> None:
    CachedAnswer.objects.update(fetched_at=clock.now() - timedelta(hours=1), etag="")


def test_each_question_is_booked_with_its_run(server: Feed) -> None:
    run = world.run(market(server, queries=["widgets", "gadgets"]))
    rows = list(CostEntry.objects.filter(run=run).values_list("requests", "cost_micro"))
    assert rows == [(1, PRICE_MICRO)] * 2
    assert (run.state, run.cost_micro) == ("applied", 2 * PRICE_MICRO)


def test_a_question_varies_by_the_number_of_its_run(server: Feed) -> None:
    suffixes = ["newest", "outlook", "analysis"]
    one = market(server, suffixes=suffixes)
    expected = []
    for _ in range(4):
        forget()
        run = world.run(one)
        word = cadence.suffix(suffixes, digest_of(one.pk, run.number))
        expected.append(f"widgets {word}")
    assert [json.loads(body)["q"] for body in server.bodies] == expected


def test_a_fresh_answer_costs_nothing(server: Feed) -> None:
    one = market(server)
    world.run(one)
    again = world.run(one)
    assert (again.cost_micro, len(server.paths)) == (0, 1)


def test_a_repeated_question_is_paid_again(server: Feed) -> None:
    server.behave = "broken"
    run = world.run(market(server))
    assert run.cost_micro == (RETRIES_MAX + 1) * PRICE_MICRO
    assert run.sources["search"]["state"] == "failed"


def test_the_day_s_money_is_never_exceeded(server: Feed) -> None:
    one = market(server, daily_budget_micro=3 * PRICE_MICRO)
    states = []
    for _ in range(5):
        forget()
        run = world.run(one)
        states.append((run.sources["search"]["state"], run.sources["search"]["why"]))
    assert states[:3] == [("ok", "")] * 3
    assert states[3:] == [("skipped", "the market's money for today is used up")] * 2
    assert len(server.paths) == 3
    assert Source.objects.get(name="search").failures == 0


def test_one_micro_short_is_too_little(server: Feed) -> None:
    run = world.run(market(server, daily_budget_micro=PRICE_MICRO - 1))
    assert run.sources["search"]["state"] == "skipped"
    assert server.paths == []


def test_a_source_that_fails_rests_and_longer_each_time(server: Feed) -> None:
    server.behave = "busy"
    world.run(market(server))
    row = Source.objects.get(name="search")
    assert row.failures == 1
    assert row.retry_at is not None
    assert row.retry_at >= clock.now() + timedelta(seconds=115)
