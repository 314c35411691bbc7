"""The report card over real dated news and a real yearly number: what docs/ORACLE.md publishes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from exchange.models import Market
from oracle.management.commands.oracle_backtest import _lines
from oracle.models import Card
from oracle.services import cards, specs
from oracle.services.sources import source_save
from tests.factories import active_market
from tests.oracle.shared_data import FOLDER, shared

pytestmark = pytest.mark.django_db

START, END = datetime(2022, 3, 8, tzinfo=UTC), datetime(2024, 11, 20, tzinfo=UTC)
SUBJECTS = ("inflation", "prices", "bills", "interest rates", "cost", "food prices")
NEWS = {
    "question": "Is living in Britain becoming dearer?",
    "unit": "USDC per point",
    "polarity": 0,
    "rise_words": [*(f"{word} UP" for word in SUBJECTS), "cost of living", "soaring"],
    "fall_words": [*(f"{word} DOWN" for word in SUBJECTS), "cheaper"],
    "keywords": ["inflation", "prices"],
    "queries": ["prices", "inflation", "cost living", "bills", "interest rates"],
    "interval_s": 1800,
    "interval_min_s": 1800,
    "interval_max_s": 1800,
    "fallback": "rest",
}
WORDS = {"seat": "news", "reader": "lexicon", "sources": ["bbc"]}
NUMBER = {"seat": "number", "reader": "series", "sources": ["index"]}


@pytest.fixture(autouse=True)
def sources(settings: Any) -> None:
    shared("news-archive.csv")
    shared("consumer-prices.csv")
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


def played(market: Market, capsys: pytest.CaptureFixture[str], **changes: Any) -> Card:
    specs.spec_save(market_id=market.pk, fields={**NEWS, **changes})
    card = cards.card_make(
        market_id=market.pk, start=START, end=END, step_s=86_400, horizon_s=7 * 86_400
    )
    with capsys.disabled():
        print("", *_lines(card), sep="\n")  # noqa: T201 (the figures are what it is for)
    return card


def test_news_alone(capsys: pytest.CaptureFixture[str]) -> None:
    market = active_market("uk-news", quorum=1)
    card = played(market, capsys, sources=[{"source": "bbc"}], panel=[WORDS], quorum=1)
    assert card.runs == card.applied == 989
    assert card.rows.get(of="source").claims == card.stories > 300


def test_news_and_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    market = active_market("uk-living", quorum=2)
    card = played(
        market,
        capsys,
        kind="level",
        sources=[{"source": "bbc"}, {"source": "index"}],
        panel=[WORDS, NUMBER],
        mapping={"series": "GBR", "slope": "1", "base": "6", "confidence": "0.8"},
        quorum=2,
    )
    assert card.applied == card.runs
    assert card.rows.get(of="seat", name="number").verdicts > 300
