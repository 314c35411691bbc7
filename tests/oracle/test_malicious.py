"""Hostile documents: text stays data, the move stays inside the caps, the page stays whole."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from oracle.core.scoring import SMALL_PICO
from oracle.models import Evidence, Report, Run
from oracle.services import texts
from oracle.services.replay import replay
from oracle.sources import http
from tests.fakes import malicious
from tests.oracle import world

pytestmark = pytest.mark.django_db

# One event of the market's defaults: beta 0.2 of a report of 1.2 %.
EVENT_E8_MAX = 240_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return tmp_path


@pytest.fixture(autouse=True)
def no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(*_: object, **__: object) -> None:
        raise AssertionError("a document caused a request")

    monkeypatch.setattr(http.Client, "get", reach)


def honest(number: int) -> list[dict[str, Any]]:
    words = ("pallets", "lanterns", "kettles", "ladders", "anchors")
    return [
        world.news(f"Widgets and {words[n]} discussed in committee {number}", feed=str(n))
        for n in range(5)
    ]


@pytest.mark.parametrize("family", sorted(malicious.FAMILIES))
def test_a_family_stays_inside_the_caps(folder: Path, family: str) -> None:
    rows = [
        row
        for row in malicious.documents(clock.now())
        if row["publisher"].rpartition(" ")[0] == family
    ]
    world.archive(folder, "wire", *honest(1), *rows)
    market = world.oracle_market()
    before = world.fundamental(market)

    run = world.run(market)

    report = Report.objects.get(run=run)
    assert run.state == Run.State.APPLIED
    assert abs(report.delta_pico) <= SMALL_PICO
    assert 0 <= report.confidence_e8 <= 10**8
    assert abs(world.fundamental(market) - before) * 10**8 <= EVENT_E8_MAX * before
    assert replay(run).is_identical


def test_all_of_them_together_are_stored_clean_and_shown_whole(
    folder: Path, client: Client
) -> None:
    documents = malicious.documents(clock.now())
    assert len(documents) == 300
    world.archive(folder, "wire", *documents)
    market = world.oracle_market(queries=[malicious.VICTIM, "ignore", "profit", "triple"])

    run = world.run(market)

    for row in Evidence.objects.all():
        assert len(row.title) <= texts.TITLE_MAX
        assert len(row.text) <= texts.TEXT_MAX
        assert not re.search(r"[<>\u200b-\u200f\u202a-\u202e\u2060-\u2069]", row.title + row.text)
        assert row.published_at <= run.fetched_at  # type: ignore[operator]
    page = client.get(f"/oracle/runs/{run.public_id}/").content.decode()
    body = page[page.index("<main") :]
    assert not re.search(r"<script|<img|<iframe|javascript:alert\(\d+\)\"|style=", body)
    assert all(href.startswith(("https://", "/")) for href in re.findall(r'href="([^"]*)"', body))


def test_near_copies_count_once(folder: Path) -> None:
    copies = [row for row in malicious.documents(clock.now()) if row["title"] == malicious.NEAR]
    world.archive(folder, "wire", *copies)
    market = world.oracle_market()
    run = world.run(market)
    assert len(run.inputs["stories"]) == 1
    assert Evidence.objects.count() == malicious.PER_FAMILY


def test_a_minority_of_captured_sources_moves_next_to_nothing(folder: Path) -> None:
    def moved(captured: int) -> int:
        names = [f"c{captured}-{n}" for n in range(5)]
        for n, name in enumerate(names):
            title = f"Widgets surge to a record in district {captured}{n}" if n < captured else None
            rows = [world.news(title)] if title else []
            world.archive(folder, name, *rows)
        panel = [
            {"seat": f"seat {n}", "reader": "lexicon", "sources": [name]}
            for n, name in enumerate(names)
        ]
        market = world.oracle_market(*names, panel=panel, quorum=5)
        before = world.fundamental(market)
        assert world.run(market).state == Run.State.APPLIED
        return world.fundamental(market) - before

    full = moved(5)
    assert full > 0
    for captured in (1, 2):
        assert moved(captured) * 5 <= full


def test_a_flooding_source_leaves_room_for_the_others(folder: Path) -> None:
    flood = [world.news(f"Widgets surge in region {n} says bulletin {n}") for n in range(200)]
    world.archive(folder, "flood", *flood)
    world.archive(folder, "wire", *honest(2))
    market = world.oracle_market("flood", "wire")
    run = world.run(market)
    seen = [sources for *_, sources in run.inputs["stories"]]
    assert len(seen) <= 25
    assert sum("wire" in sources for sources in seen) == 5
