"""Ten weeks of a market over real dated news and a real series, with a clock that runs fast."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from exchange.models import Market, OracleMove
from oracle.models import Evidence, Report, Run, SpentEvidence
from oracle.services import specs, sweep
from oracle.services.replay import replay
from oracle.services.sources import source_save
from tests.factories import active_market
from tests.oracle import world
from tests.oracle.shared_data import FOLDER, shared

pytestmark = pytest.mark.django_db

START = datetime(2023, 1, 2, 6, tzinfo=UTC)
WEEKS, STEP = 10, timedelta(hours=24)
# The price index of a year is taken to be known 45 days after its end.
RELEASE = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=45)
SUBJECTS = ("inflation", "prices", "bills", "interest rates", "cost", "food prices")

SPEC = {
    "question": "Is living in Britain becoming dearer?",
    "unit": "USDC per point",
    "kind": "level",
    "polarity": 0,
    "rise_words": [*(f"{word} UP" for word in SUBJECTS), "cost of living", "soaring"],
    "fall_words": [*(f"{word} DOWN" for word in SUBJECTS), "cheaper"],
    "keywords": ["inflation", "prices"],
    "queries": ["prices", "inflation", "cost living", "bills", "interest rates"],
    "sources": [{"source": "bbc"}, {"source": "index"}],
    "panel": [
        {"seat": "news", "reader": "lexicon", "sources": ["bbc"]},
        {"seat": "number", "reader": "series", "sources": ["index"]},
    ],
    "mapping": {"series": "GBR", "slope": "1", "base": "6", "confidence": "0.8"},
    "quorum": 2,
    "interval_s": 1800,
    "interval_min_s": 1800,
    "interval_max_s": 1800,
    "fallback": "rest",
}


@pytest.fixture
def market(settings: Any) -> Iterator[Market]:
    shared("news-archive.csv")
    shared("consumer-prices.csv")
    settings.ORACLE_ARCHIVE_DIRS = [FOLDER]
    with time_machine.travel(START):
        source_save(
            name="bbc",
            kind="archive",
            options={
                "file": "news-archive.csv",
                "columns": {"published": "pubDate", "url": "link", "text": "description"},
                "publisher": "BBC News",
            },
        )
        source_save(
            name="index",
            kind="archive",
            options={
                "file": "consumer-prices.csv",
                "columns": {"series": "Country Code", "observed": "Year", "value": "CPI"},
                "unit": "percent a year",
                "release_lag_s": 45 * 86_400,
            },
        )
        made = active_market("uk-living", quorum=2)
        specs.spec_save(market_id=made.pk, fields=SPEC, waived="a test")
        yield made


@pytest.fixture
def runs(market: Market) -> list[Run]:
    """Let ten weeks pass, with one run a day."""
    done = []
    for step in range(1, WEEKS * 7 + 1):
        with time_machine.travel(START + step * STEP):
            done += sweep.run_due()
    return done


def test_ten_weeks(market: Market, runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    _every_run_is_applied(runs)
    _f_follows_what_was_known(market, runs)
    _nothing_comes_from_the_future(runs)
    _no_story_counts_twice(market, runs)
    assert all(replay(run).is_identical for run in runs)

    with capsys.disabled():
        f = [int(row.fundamental_pico) / 10**12 for row in _moves(market)]
        read = sum(len(run.inputs["stories"]) for run in runs)
        print(  # noqa: T201 (figures of the run)
            f"\n{len(runs)} runs over {WEEKS} weeks: {Evidence.objects.count()} items,"
            f" {read} stories read, F 10.00 -> {f[-1]:.2f} (from {min(f):.2f} to {max(f):.2f}),"
            f" {len(runs)} of {len(runs)} replays identical"
        )


def _moves(market: Market) -> list[OracleMove]:
    return list(OracleMove.objects.filter(market=market).order_by("id"))


def _every_run_is_applied(runs: list[Run]) -> None:
    assert len(runs) == WEEKS * 7
    assert Counter(run.state for run in runs) == {"applied": WEEKS * 7}
    assert [run.number for run in runs] == list(range(1, WEEKS * 7 + 1))


def _f_follows_what_was_known(market: Market, runs: list[Run]) -> None:
    """Before the release the number says 8.5, after it 13.9; F goes down, then up."""
    moves = {row.ref: row for row in _moves(market)}
    levels = dict(Report.objects.filter(seat="number").values_list("run_id", "level_pico"))
    for run in runs:
        assert run.fetched_at is not None
        known = 6 + (7.922048 if run.fetched_at >= RELEASE else 2.518371)
        assert abs(int(levels[run.pk] or 0) - known * 10**12) < 10**6
    f_of = {run.pk: int(moves[run.ref].fundamental_pico) for run in runs}
    late = [f_of[run.pk] for run in runs if run.fetched_at and run.fetched_at >= RELEASE]
    early = [f_of[run.pk] for run in runs if run.fetched_at and run.fetched_at < RELEASE]
    assert early[-1] < 10 * 10**12
    assert late[-1] > early[-1]
    assert len(set(early + late)) > WEEKS * 5


def _nothing_comes_from_the_future(runs: list[Run]) -> None:
    for run in runs:
        assert run.fetched_at is not None
        heads = Evidence.objects.filter(pk__in=[head for _, head, _ in run.inputs["stories"]])
        assert all(head.published_at <= run.fetched_at for head in heads)
        assert all(head.fetched_at <= run.fetched_at for head in heads)


def _no_story_counts_twice(market: Market, runs: list[Run]) -> None:
    read = Counter(cluster for run in runs for cluster, *_ in run.inputs["stories"])
    assert len(read) > 30
    assert set(read.values()) == {1}
    assert SpentEvidence.objects.filter(market=market).count() == len(read)
    with time_machine.travel(START + WEEKS * timedelta(days=7)):
        again = world.run(market)
    assert again.reports.get(seat="news").delta_pico == 0
