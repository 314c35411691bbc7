"""Dated items and numbers from a file, served as of a moving clock: never anything from later.

CSV has its own column names, mapped by `columns`. JSON lines carry instants, or `offset_s` counted
from the epoch that the source is configured with; `speed` lets that time pass faster.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from exchange.engines.units import PICO
from oracle.sources.base import Item, Observed, SourceDown, mentions

FIELDS = ("title", "text", "url", "publisher", "published", "lang")
YEAR_DIGITS = 4
FILE_BYTES_MAX = 64_000_000
EXPONENT_MAX = 20

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to read one archive.

    `where` keeps the rows whose fields have these values; `release_lag_s` says how long after its
    period a number without a release date became known.
    """

    file: str
    epoch: str = ""
    speed: int = 1
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    publisher: str = ""
    lang: str = ""
    unit: str = ""
    release_lag_s: int = 0


class Archive:
    """A file of dated rows, behind the interface of every source."""

    searches = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Refuse unknown options; the file itself is opened when something is asked."""
        self._reader = _reader(json.dumps(options, sort_keys=True))

    def fetch(self, query: str, since: datetime, until: datetime, limit: int) -> list[Item]:
        """Return what was published by `until`; the topic of a row counts as part of its text."""
        found = [
            item
            for item, topic in self._dated(_items)
            if since < item.published_at <= until and mentions(query, item.title, item.text, topic)
        ]
        return found[:limit]

    def observe(self, series: str, since: datetime, until: datetime) -> list[Observed]:
        """Return the numbers of one series in the order of their release."""
        return [
            number
            for number, name in self._dated(_numbers)
            if name == series and since < number.released_at <= until
        ]

    def _dated(self, make: Callable[["_Reader", Path, int], tuple[T, ...]]) -> tuple[T, ...]:
        path = _inside(self._reader.options.file)
        try:
            return make(self._reader, path, path.stat().st_mtime_ns)
        except (OSError, ValueError, csv.Error) as error:
            raise SourceDown(f"the archive {path.name} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """Turns the rows of a file into items and numbers, as its options say."""

    options: Options
    epoch: datetime | None

    def rows(self, path: Path) -> Iterator[Row]:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"more than {FILE_BYTES_MAX} bytes")
        wanted = self.options.where.items()
        with path.open(encoding="utf-8", newline="") as lines:
            is_csv = path.suffix == ".csv"
            rows: Iterable[Row] = csv.DictReader(lines) if is_csv else _json_rows(lines)
            for row in rows:
                if all(str(row.get(name)) == value for name, value in wanted):
                    yield row

    def item(self, row: Row) -> Item:
        named = {name: str(row.get(self.column(name)) or "") for name in FIELDS}
        return Item(
            title=named["title"],
            text=named["text"],
            url=named["url"],
            publisher=named["publisher"] or self.options.publisher,
            published_at=self._instant(row, "published", "offset_s"),
            lang=named["lang"] or self.options.lang,
        )

    def number(self, row: Row) -> Observed:
        observed_at = self._instant(row, "observed", "observed_offset_s")
        lag = timedelta(seconds=self.options.release_lag_s)
        known = self.column("released") in row or "released_offset_s" in row
        released_at = (
            self._instant(row, "released", "released_offset_s") if known else observed_at + lag
        )
        return Observed(
            value_pico=_pico(str(row.get(self.column("value"), ""))),
            unit=str(row.get(self.column("unit")) or self.options.unit),
            observed_at=observed_at,
            released_at=max(observed_at, released_at),
        )

    def column(self, name: str) -> str:
        return self.options.columns.get(name, name)

    def _instant(self, row: Row, name: str, offset: str) -> datetime:
        if offset in row and self.epoch:
            return self.epoch + timedelta(seconds=int(row[offset]) // self.options.speed)
        return _instant(str(row.get(self.column(name), "")))


@lru_cache(maxsize=64)
def _reader(options_json: str) -> _Reader:
    """Return the reader for options; the same one each time, so that what it read is kept."""
    try:
        options = Options(**json.loads(options_json))
        epoch = datetime.fromisoformat(options.epoch) if options.epoch else None
    except (TypeError, ValueError) as error:
        raise SourceDown(f"the archive's options are not understood: {error}") from error
    if options.speed < 1 or (epoch and epoch.tzinfo is None):
        raise SourceDown("the archive needs a speed of at least 1 and an epoch with its zone")
    return _Reader(options, epoch)


@lru_cache(maxsize=16)
def _items(reader: _Reader, path: Path, _changed_ns: int) -> tuple[tuple[Item, str], ...]:
    """Return the items of a file with their topics, newest first; read again when it changed."""
    found = [(reader.item(row), str(row.get("topic", ""))) for row in reader.rows(path)]
    return tuple(sorted(found, key=lambda pair: pair[0].published_at, reverse=True))


@lru_cache(maxsize=16)
def _numbers(reader: _Reader, path: Path, _changed_ns: int) -> tuple[tuple[Observed, str], ...]:
    """Return the numbers of a file with their series, in the order of release."""
    name = reader.column("series")
    found = [(reader.number(row), str(row.get(name, ""))) for row in reader.rows(path)]
    return tuple(sorted(found, key=lambda pair: (pair[0].released_at, pair[0].observed_at)))


def _json_rows(lines: Iterable[str]) -> Iterator[Row]:
    return (json.loads(line) for line in lines if line.strip())


def _inside(name: str) -> Path:
    """Return the file if it lies in a folder where archives may lie, and nowhere else."""
    for root in settings.ORACLE_ARCHIVE_DIRS if "\0" not in name else ():
        path = (Path(root) / name).resolve()
        if path.is_relative_to(Path(root).resolve()) and path.is_file():
            return path
    raise SourceDown(f"there is no archive {name!r}")


def _instant(text: str) -> datetime:
    """Return an aware instant: a year means its end, ISO 8601, or the date of a mail header."""
    try:
        if len(text) == YEAR_DIGITS and text.isdigit():
            return datetime(int(text) + 1, 1, 1, tzinfo=UTC)
        read = datetime.fromisoformat if text[:1].isdigit() else parsedate_to_datetime
        moment = read(text)
    except (ValueError, TypeError) as error:
        raise SourceDown(f"an archive has the date {text[:40]!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pico(text: str) -> int:
    """Return a decimal number in 1e-12, further digits cut off."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise SourceDown(f"an archive has the number {text[:40]!r}") from error
    if not number.is_finite() or number.adjusted() > EXPONENT_MAX:
        raise SourceDown(f"an archive has the number {text[:40]!r}")
    return int(number * PICO)
