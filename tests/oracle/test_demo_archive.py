"""The demonstration's own archive: six topics over four weeks, told by invented publishers."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oracle.services import evidence
from oracle.sources.archive import Archive

FOLDER = Path(__file__).resolve().parents[2] / "megatron" / "demo"
EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
END = EPOCH + timedelta(days=28)
TOPICS = {
    "eu-inflation",
    "ai-attention",
    "coffee-price-pressure",
    "city-air-quality",
    "league-form-northbridge",
    "chip-supply",
}
ROWS = [json.loads(line) for line in (FOLDER / "archive.jsonl").read_text().splitlines()]
NEWS = {"file": "archive.jsonl", "epoch": EPOCH.isoformat()}
SERIES = {"file": "series.jsonl", "epoch": EPOCH.isoformat()}


def test_every_topic_has_some_twenty_stories() -> None:
    stories = Counter(topic for topic, _ in {(row["topic"], row["title"]) for row in ROWS})
    assert set(stories) == TOPICS
    assert all(count >= 20 for count in stories.values())


def test_the_rows_are_dated_in_order_within_four_weeks() -> None:
    offsets = [row["offset_s"] for row in ROWS]
    assert offsets == sorted(offsets)
    assert 0 < offsets[0] < 86_400
    assert offsets[-1] < 28 * 86_400


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_topic_is_found_by_its_slug_as_time_passes(topic: str) -> None:
    archive = Archive(NEWS)
    half = archive.fetch(topic, EPOCH, EPOCH + timedelta(days=14), 99)
    whole = archive.fetch(topic, EPOCH, END, 99)
    assert 0 < len(half) < len(whole)
    assert all(item.publisher and item.text for item in whole)


@pytest.mark.django_db
def test_a_story_told_twice_is_one_story() -> None:
    items = Archive(NEWS).fetch("coffee", EPOCH, END, 99)
    rows = evidence.store(items, until=END)
    assert len({row.title for row in rows}) == len({row.cluster_id for row in rows}) < len(rows)


def test_the_series_has_release_dates() -> None:
    numbers = Archive(SERIES).observe("ea-prices", EPOCH - timedelta(days=30), END)
    assert len(numbers) == 7
    assert all(number.released_at > number.observed_at for number in numbers)
