"""Topics, readers and sources over all markets: sums of the newest cards, small counts owned up."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from exchange.engines.units import RATE
from exchange.models import Market
from oracle.core.card import interval
from oracle.models import Card, CardRow
from oracle.selectors import records
from oracle.services import cards
from tests.oracle import world

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def carded(market: Market, hours: int) -> Card:
    now = clock.now()
    period: dict[str, Any] = {"start": now - hours * HOUR, "end": now, "step_s": 3_600}
    return cards.card_make(market_id=market.pk, horizon_s=3_600, **period)


@pytest.fixture
def made(tmp_path: Path, settings: Any) -> list[Card]:
    """Return the newest cards of two markets of different topics over one source."""
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    now = clock.now()
    rows = [
        world.news(f"{world.GOOD if n % 3 else world.BAD} {n}", at=now - n * HOUR)
        for n in range(1, 12)
    ]
    world.archive(tmp_path, "wire", *rows)
    one, two = world.oracle_market(), world.oracle_market()
    Market.objects.filter(pk=two.pk).update(topic="weather")
    two.refresh_from_db()
    carded(one, 3)  # an older card of the same market counts no more
    return [carded(one, 8), carded(two, 5)]


def found(of: str, name: str) -> records.Record:
    return next(row for row in records.records() if (row.of, row.name) == (of, name))


def test_a_reader_s_record_is_the_sum_over_markets(made: list[Card]) -> None:
    rows = CardRow.objects.filter(card__in=made, of="reader", name="lexicon")
    record = found("reader", "lexicon")
    assert record.markets == 2
    for figure in ("claims", "verdicts", "judged", "hits"):
        assert getattr(record, figure) == sum(getattr(row, figure) for row in rows)
    assert record.judged > 0
    assert (record.low_e8, record.high_e8) == interval(record.hits, record.judged)
    assert record.hit_e8 is not None
    assert abs(record.hit_e8 - RATE * record.hits // record.judged) <= 1
    figures = [(row.brier_e8 or 0, row.judged) for row in rows]
    total = sum(brier * judged for brier, judged in figures)
    assert abs((record.brier_e8 or 0) - total // record.judged) <= 1


def test_topics_are_apart_and_sources_together(made: list[Card]) -> None:
    first, second = (card.rows.get(of="topic") for card in made)
    assert (first.name, second.name) == ("tests", "weather")
    assert found("topic", "tests").claims == first.claims
    assert found("topic", "weather").claims == second.claims
    assert found("source", "wire").markets == 2
    assert found("source", "wire").error_pico is None


def test_page_and_api_say_where_it_is_too_few(made: list[Card], client: Client) -> None:
    shown = client.get("/oracle/records/").content.decode()
    told = client.get("/api/v1/oracle-records/").json()["results"]
    assert shown.count("too few to say") == len(told) == 4
    assert [(row["of"], row["name"]) for row in told] == [
        ("topic", "tests"),
        ("topic", "weather"),
        ("reader", "lexicon"),
        ("source", "wire"),
    ]
    assert all(row["too_few"] and not row["invented_news"] for row in told)
    assert "style=" not in shown.partition("<main")[2].partition("</main")[0]


def test_without_a_card_there_is_no_record(client: Client) -> None:
    assert "No market has a report card yet" in client.get("/oracle/records/").content.decode()
    assert client.get("/api/v1/oracle-records/").json() == {"results": []}
