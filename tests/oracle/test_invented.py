"""What is invented says so wherever it is shown, and what is not does not."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from exchange.models import Market
from megatron.demo import oracle as demo
from oracle.models import Source
from oracle.selectors import invented
from oracle.services import cards, specs
from tests.oracle import world

pytestmark = pytest.mark.django_db

WORDS = "Invented for the demonstration"


@pytest.fixture(params=[True, False], ids=["shipped", "own"])
def shipped(request: Any, tmp_path: Path, settings: Any) -> bool:
    """Whether the archive lies where the site's own, invented ones do."""
    settings.ORACLE_ARCHIVE_DIRS = [str(tmp_path)]
    settings.ORACLE_INVENTED_DIRS = [str(tmp_path)] if request.param else ["/elsewhere"]
    return bool(request.param)


@pytest.fixture
def market(shipped: bool, tmp_path: Path) -> Market:
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    made = world.oracle_market()
    run, now = world.run(made), clock.now()
    assert run.fetched_at is not None
    cards.card_of_runs(market_id=made.pk, start=run.started_at, end=now)
    return made


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_the_feed_says_so(
    market: Market, shipped: bool, client: Client, headers: dict[str, str]
) -> None:
    shown = client.get(f"/markets/{market.slug}/oracle/", headers=headers).content.decode()
    assert shown.count(WORDS) == shipped
    assert "invented news" not in shown


def test_a_run_of_an_older_version_says_so_itself(
    market: Market, shipped: bool, tmp_path: Path, client: Client
) -> None:
    world.archive(tmp_path, "other")
    Source.objects.filter(name="other").update(options={"file": "nowhere.jsonl"})
    fields = world.spec_fields("other")
    specs.spec_save(market_id=market.pk, fields=fields, waived="a market of a test")
    shown = client.get(f"/markets/{market.slug}/oracle/").content.decode()
    assert shown.count(WORDS) == 0
    assert shown.count("invented news") == shipped


def test_run_and_card_say_so(market: Market, shipped: bool, client: Client) -> None:
    run = market.oracle_runs.get()
    for address in (f"/oracle/runs/{run.public_id}/", f"/markets/{market.slug}/oracle/card/"):
        assert client.get(address).content.decode().count(WORDS) == shipped


def test_programs_are_told(market: Market, shipped: bool, client: Client) -> None:
    run = market.oracle_runs.get()
    listed = [client.get(f"/api/v1/{name}/").json() for name in ("runs", "report-cards")]
    assert [row["invented_news"] for page in listed for row in page["results"]] == [shipped] * 2
    assert client.get(f"/api/v1/runs/{run.public_id}/").json()["invented_news"] is shipped


def test_a_demo_market_says_so_whatever_it_reads(
    market: Market, shipped: bool, client: Client
) -> None:
    Market.objects.filter(pk=market.pk).update(is_demo=True)
    shown = client.get(f"/markets/{market.slug}/oracle/").content.decode()
    assert shown.count(WORDS) == 1
    assert "Invented news" in client.get(f"/markets/{market.slug}/").content.decode()


def test_the_demonstration_s_own_sources_are_invented_and_the_live_one_is_not() -> None:
    demo._sources(clock.now_s())
    assert invented.names() == {demo.ARCHIVE, demo.NUMBERS}
    assert Source.objects.filter(name=demo.LIVE).exists()


def test_a_file_elsewhere_or_nowhere_is_not(settings: Any, tmp_path: Path) -> None:
    settings.ORACLE_ARCHIVE_DIRS = settings.ORACLE_INVENTED_DIRS = [str(tmp_path)]
    for file in ("none.jsonl", "../settings.py", "", "a\0b"):
        row = Source(name="x", kind="archive", options={"file": file})
        assert invented.among([row]) == frozenset()
