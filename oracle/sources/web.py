"""What every source behind a web interface shares: one careful request, its cache, its window.

A source of this kind says how to ask and what an answer means; asking, paying, remembering and
refusing what has the wrong form happen here.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from exchange.engines.units import PICO
from oracle.sources import cache
from oracle.sources.base import Item, Observed, SourceDown, Spend
from oracle.sources.http import Client

TEXT_MAX = 20_000
ROWS_MAX = 20_000
# Two megabytes of nothing but brackets or numbers would take 80 as objects; of so many, under 30.
VALUES_MAX = 100_000
EXPONENT_MAX = 20

# What reading an answer of an unexpected form raises; each means that the form was unexpected.
UNREADABLE = (
    KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError,
    OSError,  # a second beyond what the system's calendar holds
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A configured source's way out: its row's options and hosts, the client, and who pays."""

    source_id: int
    options: Mapping[str, Any]
    hosts: Collection[str]
    client: Client
    spend: Spend


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question. `secret` joins the address when it leaves, and is kept nowhere."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    secret: str = ""


class Web:
    """A source that asks one address a question and reads JSON."""

    URL: ClassVar[str] = ""
    OPTIONS: ClassVar[frozenset[str]] = frozenset()
    searches = False

    def __init__(self, line: Line) -> None:
        """Refuse options that this kind does not have."""
        unknown = sorted(set(line.options) - self.OPTIONS - {"url"})
        if unknown:
            raise SourceDown(f"this kind of source has no option {unknown[0]!r}")
        self.line = line
        self.url = str(line.options.get("url") or self.URL)

    def option(self, name: str, usual: str = "") -> str:
        """Return an option as text."""
        return str(self.line.options.get(name, usual))

    def whole(self, name: str, usual: int = 0) -> int:
        """Return an option as a whole number. Raises SourceDown."""
        try:
            return int(self.line.options.get(name, usual))
        except (TypeError, ValueError) as error:
            raise SourceDown(f"the option {name} is a whole number") from error

    def ask(
        self, request: Request, read: Callable[[Any], Iterable[cache.Found]]
    ) -> list[cache.Found]:
        """Return what the answer to a question says, from memory while that is fresh."""
        name = f"{request.url} {(request.body or b'').decode()}"
        kept = cache.get(self.line.source_id, name)
        if kept and kept.is_fresh:
            return kept.found
        answer = self.line.client.get(
            request.url + request.secret,
            hosts=self.line.hosts,
            etag=kept.etag if kept else "",
            last_modified=kept.last_modified if kept else "",
            headers=request.headers,
            body=request.body,
            spend=self.line.spend,
        )
        if answer.changed:
            found = list(_understood(answer.body, read))
        elif kept:
            found = kept.found
        else:
            raise SourceDown("the server says nothing changed, but we have nothing yet")
        cache.put(self.line.source_id, name, found, answer.etag, answer.last_modified)
        return found


class Texts(Web):
    """A source of items: a search that takes a query and a window."""

    searches = True

    def question(self, query: str, since: datetime, until: datetime, limit: int) -> Request:
        """Return how to ask for what was published in the window."""
        raise NotImplementedError

    def items(self, said: Any, until: datetime) -> Iterable[Item]:
        """Return the items of an answer; what carries no date is left out."""
        raise NotImplementedError

    def fetch(self, query: str, since: datetime, until: datetime, limit: int) -> list[Item]:
        """Return the items of the window whatever the server thinks of windows, newest first."""
        # Whole minutes, so that markets that ask in the same minute share one answer.
        start, end = _minute(since), _minute(until)
        found = self.ask(
            self.question(query, start, end, limit), lambda said: self.items(said, end)
        )
        inside = [
            one for one in found if isinstance(one, Item) and since < one.published_at <= until
        ]
        return sorted(inside, key=lambda item: item.published_at, reverse=True)[:limit]

    def observe(self, series: str, since: datetime, until: datetime) -> list[Observed]:
        """Refuse: it carries text."""
        raise SourceDown(f"this source has no series {series[:40]!r}")


class Numbers(Web):
    """A source of numbers: a series with a window of releases."""

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return how to ask for what was released in the window. Raises SourceDown."""
        raise NotImplementedError

    def numbers(self, said: Any, series: str, until: datetime) -> Iterable[Observed]:
        """Return every number of an answer."""
        raise NotImplementedError

    def fetch(self, query: str, since: datetime, until: datetime, limit: int) -> list[Item]:
        """Refuse: it carries numbers."""
        raise SourceDown(f"this source has no texts about {query[:40]!r}")

    def observe(self, series: str, since: datetime, until: datetime) -> list[Observed]:
        """Return what was released in the window, oldest release first."""
        found = self.ask(
            self.question(series, since, until), lambda said: self.numbers(said, series, until)
        )
        inside = [
            one for one in found if isinstance(one, Observed) and since < one.released_at <= until
        ]
        return sorted(inside, key=lambda one: (one.released_at, one.observed_at))


def rows(said: Any, *path: str) -> list[Any]:
    """Return the list at a path of an answer. Raises what `ask` turns into SourceDown."""
    for name in path:
        said = said[name]
    if not isinstance(said, list):
        raise TypeError("a list was expected")
    return said[:ROWS_MAX]


def text(row: Mapping[str, Any], name: str) -> str:
    """Return a field as bounded text, nothing where it is missing or no text."""
    value = row.get(name)
    return value[:TEXT_MAX] if isinstance(value, str) else ""


def pico(value: Any) -> int:
    """Return a number of an answer in 1e-12, further digits cut off. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError("a number was expected")
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() > EXPONENT_MAX:
        raise ValueError("a number out of all proportion")
    return int(number * PICO)


def path_part(name: str, allowed: str) -> str:
    """Return a name that may stand in an address as it is. Raises SourceDown."""
    plain = all(c.isascii() and (c.isalnum() or c in allowed) for c in name)
    if not name or not plain or any(set(part) <= {"."} for part in name.split("/")):
        raise SourceDown(f"{name[:60]!r} cannot be a series here")
    return name


def _understood(body: bytes, read: Callable[[Any], Iterable[cache.Found]]) -> Sequence[cache.Found]:
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES_MAX:
        raise SourceDown(f"an answer of more than {VALUES_MAX} values")
    try:
        return list(read(json.loads(body, parse_float=Decimal, parse_constant=_refuse)))
    except (*UNREADABLE, RecursionError) as error:
        raise SourceDown("what came does not have the form of an answer") from error


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _minute(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)
