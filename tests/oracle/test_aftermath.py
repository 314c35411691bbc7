"""What the price did next: figures from stored prices, a dash with its reason for the rest."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exchange import clock
from exchange.models import Candle, Market, OracleMove, Tick
from oracle.models import Run
from oracle.selectors import aftermath, feed
from oracle.selectors.aftermath import Aftermath
from tests.factories import buy, funded_user
from tests.oracle import world

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.fixture
def market(tmp_path: Path, settings: Any) -> Market:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    return world.oracle_market()


def told(run: Run) -> Aftermath:
    return aftermath.moves([run.ref])[run.ref].aftermath


def close(market: Market, at_s: int, percent: int) -> None:
    """Let the minute of an instant end at so many percent of the newest price."""
    newest = Tick.objects.filter(market=market).latest("seq").market_pico
    figure = int(newest) * percent // 100
    names = ("open_pico", "high_pico", "low_pico", "close_pico", "market_pico", "fundamental_pico")
    minute = Candle.objects.filter(market=market, interval_s=MINUTE)
    bucket_s, figures = at_s // MINUTE * MINUTE, dict.fromkeys(names, figure)
    if not minute.filter(bucket_s=bucket_s).update(**figures):
        minute.create(market=market, interval_s=MINUTE, bucket_s=bucket_s, **figures)


def test_each_moment_has_the_last_full_minute_by_then(market: Market, client: Client) -> None:
    run = world.run(market)
    at = OracleMove.objects.get(ref=run.ref).at
    at_s = int(at.timestamp())
    for after_s, percent in ((0, 101), (HOUR - 2 * MINUTE, 90), (HOUR, 50), (DAY - MINUTE, 120)):
        close(market, at_s + after_s, percent)
    with time_machine.travel(at + timedelta(days=1), tick=False):
        found = told(run)
        shown = client.get(f"/oracle/runs/{run.public_id}/").content.decode()
        listed = client.get(f"/markets/{market.slug}/oracle/").content.decode()
        answer = client.get(f"/api/v1/runs/{run.public_id}/").json()["aftermath"]

    # the minute that had begun by then is not over and does not count
    changes = [one.change_e8 for one in found.later]
    assert [None if c is None else round(c / 10**6) for c in changes] == [1, -10, 20]
    assert "What the price did next" in shown
    assert "Market price then:" in listed
    assert "+20.00" in shown
    assert [row["after"] for row in answer["later"]] == ["1 minute", "1 hour", "1 day"]
    assert answer["later"][1]["change"].startswith("-0.1")


def test_what_lies_ahead_is_a_dash_with_its_reason(market: Market, client: Client) -> None:
    run = world.run(market)
    at = OracleMove.objects.get(ref=run.ref).at
    close(market, int(at.timestamp()) + HOUR - MINUTE, 200)
    with time_machine.travel(at + timedelta(seconds=HOUR - 1), tick=False):
        later = told(run).later
        shown = client.get(f"/oracle/runs/{run.public_id}/").content.decode()
        answer = client.get(f"/api/v1/runs/{run.public_id}/").json()["aftermath"]
    assert [(one.market_pico is None, one.why) for one in later] == [
        (False, ""),
        (True, aftermath.NOT_YET),
        (True, aftermath.NOT_YET),
    ]
    assert shown.count("not yet") >= 2
    assert (answer["later"][2]["market_price"], answer["later"][2]["why"]) == (None, "not yet")


def test_the_price_before_leaves_out_what_the_batch_did(market: Market, client: Client) -> None:
    buy(funded_user("1000"), market, "50")
    before = int(Tick.objects.filter(market=market).latest("seq").market_pico)
    run = world.run(market)
    found = told(run)
    assert found.before_pico == before
    assert found.market_pico != before
    assert client.get(f"/api/v1/runs/{run.public_id}/").json()["aftermath"]["why"] == ""


@pytest.mark.breaks_books
def test_an_event_of_long_ago_says_what_is_gone(market: Market, client: Client) -> None:
    run = world.run(market)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM exchange_tick")
    gone = told(run)
    assert (gone.before_pico, gone.why) == (None, aftermath.TICK_GONE)
    assert aftermath.TICK_GONE in client.get(f"/oracle/runs/{run.public_id}/").content.decode()


def test_a_market_that_kept_no_price_says_so(market: Market) -> None:
    run = world.run(market)
    Candle.objects.all().delete()
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        assert {one.why for one in told(run).later} == {aftermath.NOT_KEPT}


def test_many_runs_take_no_more_queries_than_one(market: Market) -> None:
    runs = [world.run(market) for _ in range(4)]
    counts = []
    for some in (runs[:1], runs):
        with CaptureQueriesContext(connection) as queries:
            assert len(feed.items(some)) == len(some)
        counts.append(len(queries))
    assert counts[0] == counts[1]
