"""The archive: dated rows as of a moving clock, from files that lie where they may."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oracle.sources.archive import Archive
from oracle.sources.base import SourceDown, mentions

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    (tmp_path / "news.csv").write_text(
        "title,pubDate,link,description\n"
        'Widgets surge,"Fri, 01 Mar 2024 10:00:00 GMT",https://a.example/1,Orders are up.\n'
        'Widgets slip,"Fri, 01 Mar 2024 13:00:00 GMT",https://a.example/2,Orders are down.\n'
        'Gadgets,"Thu, 29 Feb 2024 10:00:00 GMT",https://a.example/3,About widgets too.\n'
    )
    rows = [
        {"offset_s": 0, "title": "Zero", "text": "", "topic": "a-topic", "feed": "one"},
        {"offset_s": 3600, "title": "One", "text": "", "topic": "a-topic", "feed": "two"},
    ]
    (tmp_path / "demo.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "series.csv").write_text(
        "Country Code,Year,CPI\nDEU,2021,3.1\nDEU,2022,6.9\nFRA,2022,5.2\nDEU,2023,5.9\n"
    )
    return tmp_path


NEWS = {
    "file": "news.csv",
    "columns": {"published": "pubDate", "url": "link", "text": "description"},
    "publisher": "The Wire",
}
YEARS = {
    "file": "series.csv",
    "columns": {"series": "Country Code", "observed": "Year", "value": "CPI"},
    "unit": "percent",
    "release_lag_s": 30 * 86_400,
}


def test_nothing_from_later_is_served() -> None:
    archive = Archive(NEWS)
    titles = [item.title for item in archive.fetch("widgets", NOON - WEEK, NOON, 9)]
    assert titles == ["Widgets surge", "Gadgets"]
    later = archive.fetch("widgets", NOON - WEEK, NOON + timedelta(hours=2), 9)
    assert later[0].title == "Widgets slip"


def test_both_ends_of_the_window_are_exact() -> None:
    at = datetime(2024, 3, 1, 10, tzinfo=UTC)
    archive = Archive(NEWS)
    assert len(archive.fetch("surge", at - WEEK, at, 9)) == 1
    assert archive.fetch("surge", at - WEEK, at - timedelta(seconds=1), 9) == []
    assert archive.fetch("surge", at, NOON, 9) == []


def test_the_limit_keeps_the_newest() -> None:
    assert [item.title for item in Archive(NEWS).fetch("widgets", NOON - WEEK, NOON, 1)] == [
        "Widgets surge"
    ]


def test_an_epoch_and_a_speed_move_the_rows() -> None:
    options = {"file": "demo.jsonl", "epoch": NOON.isoformat()}
    plain = Archive(options).fetch("topic", NOON - WEEK, NOON + WEEK, 9)
    quick = Archive({**options, "speed": 60}).fetch("topic", NOON - WEEK, NOON + WEEK, 9)
    assert [item.published_at - NOON for item in plain] == [timedelta(hours=1), timedelta(0)]
    assert [item.published_at - NOON for item in quick] == [timedelta(minutes=1), timedelta(0)]


def test_rows_can_be_chosen_by_field() -> None:
    options = {"file": "demo.jsonl", "epoch": NOON.isoformat(), "where": {"feed": "two"}}
    found = Archive(options).fetch("topic", NOON - WEEK, NOON + WEEK, 9)
    assert [item.title for item in found] == ["One"]


def test_a_number_is_known_from_its_release_on() -> None:
    archive = Archive(YEARS)
    since = datetime(2000, 1, 1, tzinfo=UTC)
    known = archive.observe("DEU", since, datetime(2023, 1, 30, 23, tzinfo=UTC))
    assert [number.value_pico for number in known] == [3_100_000_000_000]
    known = archive.observe("DEU", since, datetime(2023, 1, 31, tzinfo=UTC))
    assert [number.value_pico for number in known] == [3_100_000_000_000, 6_900_000_000_000]
    assert known[1].observed_at == datetime(2023, 1, 1, tzinfo=UTC)
    assert known[1].released_at == datetime(2023, 1, 31, tzinfo=UTC)
    assert known[1].unit == "percent"


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "gone.csv", "", ".", "a\x00b"])
def test_a_file_elsewhere_does_not_exist(folder: Path, name: str) -> None:
    (folder.parent / "secret.csv").write_text("title,published\nx,2024-01-01\n")
    with pytest.raises(SourceDown):
        Archive({"file": name}).fetch("x", NOON - WEEK, NOON, 9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"file": "news.csv", "shell": "x"},
        {"file": "news.csv", "epoch": "soon"},
        {"file": "news.csv", "epoch": "2024-01-01"},
        {"file": "news.csv", "speed": 0},
    ],
)
def test_senseless_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SourceDown):
        Archive(options)


@pytest.mark.parametrize("line", ["not json", '{"title": "x", "published": "someday"}'])
def test_a_broken_file_is_a_source_that_is_down(folder: Path, line: str) -> None:
    (folder / "broken.jsonl").write_text(line + "\n")
    with pytest.raises(SourceDown):
        Archive({"file": "broken.jsonl"}).fetch("x", NOON - WEEK, NOON, 9)


@pytest.mark.parametrize("value", ["", "NaN", "Infinity", "1e999999999", "x"])
def test_a_senseless_number_is_a_source_that_is_down(folder: Path, value: str) -> None:
    (folder / "odd.csv").write_text(f"series,observed,value\nS,2020,{value}\n")
    with pytest.raises(SourceDown):
        Archive({"file": "odd.csv"}).observe("S", NOON - 3000 * WEEK / 7, NOON)


def test_a_query_wants_every_word_as_a_whole_word() -> None:
    assert mentions("Bank England", "The Bank of England", "")
    assert not mentions("bank", "Banking on it")
    assert mentions("air-quality", "Air quality improves")
