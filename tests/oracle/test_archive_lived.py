"""A market that lives through the real archive, run by run, and is walked again to the same F."""

import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from exchange import clock
from exchange.models import Market, OracleMove
from oracle.models import Calibration, Card, Run
from oracle.services import calibrating, cards, specs
from oracle.services.sources import source_save
from oracle.services.walks import walk
from tests.factories import active_market
from tests.oracle import world
from tests.oracle.shared_data import FOLDER, shared
from tests.oracle.test_backtest_real import NEWS, START, WORDS

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHOLE = 989
# A minute and a half on a quiet machine, and no longer than this on any.
LONG = pytest.param(WHOLE, marks=[pytest.mark.nightly, pytest.mark.timeout(1_200)])


@pytest.fixture
def market(settings: Any) -> Market:
    shared("news-archive.csv")
    settings.ORACLE_ARCHIVE_DIRS = [FOLDER]
    source_save(
        name="bbc",
        kind="archive",
        options={
            "file": "news-archive.csv",
            "columns": {"published": "pubDate", "url": "link", "text": "description"},
            "publisher": "BBC News",
        },
    )
    with at(START - DAY):
        made = active_market("uk-news-lived", quorum=1, max_stale=10**6)
        fields = {**NEWS, "sources": [{"source": "bbc"}], "panel": [WORDS], "quorum": 1}
        specs.spec_save(market_id=made.pk, fields=fields, waived="it has a past to live through")
    return made


def at(moment: datetime) -> Any:
    """Live at a moment of the past."""
    return clock.shifted(int((moment - datetime.now(UTC)).total_seconds()))


def live(market: Market, days: int) -> None:
    for day in range(days):
        with at(START + day * DAY):
            world.run(market)
            calibrating.refit_due(clock.now())


def judged(market: Market, days: int) -> Card:
    with at(START + days * DAY):
        return cards.card_of_runs(
            market_id=market.pk, start=START - DAY, end=clock.now(), horizon_s=7 * 86_400
        )


def replayed(market: Market, *words: str) -> list[str]:
    out = StringIO()
    call_command("replay_run", "--market", market.slug, *words, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("days", [16, LONG])
def test_it_replays_to_the_same_f_at_every_step(
    market: Market, client: Client, capsys: pytest.CaptureFixture[str], days: int
) -> None:
    began = time.perf_counter()
    live(market, days)
    lived_s, began = time.perf_counter() - began, time.perf_counter()
    strides = list(walk(market))
    walked_s = time.perf_counter() - began
    assert len(strides) == Run.objects.count() == days
    assert all(stride.is_identical and stride.is_named for stride in strides)
    moves = OracleMove.objects.filter(market=market).order_by("at")
    assert [s.after_pico for s in strides] == [int(m.fundamental_pico) for m in moves]
    assert sum(bool(stride.pushed) for stride in strides) > days // 8
    *named, summary, verdict = replayed(market, "--moves")
    assert verdict == "identical"
    assert len(named) == sum(s.before_pico != s.after_pico for s in strides)
    assert all(len(line.split(": ", 1)[1]) > 10 for line in named)
    card = judged(market, days)
    page = client.get(f"/markets/{market.slug}/oracle/card/").content.decode()
    assert card.origin == "lived"
    assert f"version {card.spec.version}" in page.lower()
    with capsys.disabled():
        learnt = Calibration.objects.exclude(method="identity").order_by("id")
        print(  # noqa: T201 (the figures are what it is for)
            f"\n{summary}; lived {lived_s:.1f} s, walked {walked_s:.1f} s;"
            f" {learnt.count()} of {Calibration.objects.count()} calibrations not the identity"
        )
        call_command(
            "oracle_backtest",
            market.slug,
            start=f"{START:%Y-%m-%d}",
            end=f"{START + days * DAY:%Y-%m-%d}",
            lived=True,
            horizon=7 * 86_400,
        )


def test_a_stored_text_that_was_changed_ends_the_walk(market: Market) -> None:
    live(market, 3)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE oracle_evidence SET title = title || '.'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    with pytest.raises(CommandError, match="not what was stored"):
        replayed(market)
    with pytest.raises(CommandError, match="one run, or a market"):
        call_command("replay_run")
