"""How an answer of a service can lie: every place of it, with every value it should not have."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from tests.fakes.feed_server import rss
from tests.fakes.replies import NOON

Place = tuple[str | int, ...]

# In the place of whatever stood there. JSON carries the last ones although it should not.
POISONS: dict[str, Any] = {
    "none": None,
    "true": True,
    "less": -1,
    "nothing": "",
    "list": [],
    "mapping": {},
    "nested": [[[[{}]]]],
    "word": "many",
    "long": "word " * 20_000,
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "script link": "javascript:alert(1)",
    "hidden": "\u200bwid\u202egets\ufeff",
    "eastern digits": "\u0661\u0662\u0663",
    "huge text": "1e999999999999999999",
    "tiny text": "1e-999999999999999999",
    "large": 10**20,
    "larger": 10**400,
    "last day": "9999-12-31",
    "first day": "0001-01-01",
    "last second": "99991231T235959Z",
    "not a number": float("nan"),
    "endless": float("inf"),
    "endless below": float("-inf"),
    "most": 1.7976931348623157e308,
    "least": 5e-324,
    "zero byte": "widgets\0",
    "half a pair": "https://w.example/\ud800",
    "no such second": 2**60,
}


def places(said: Any, at: Place = ()) -> Iterator[Place]:
    """Yield the way to everything in an answer, containers and the whole too."""
    yield at
    if isinstance(said, dict):
        for name, value in said.items():
            yield from places(value, (*at, name))
    elif isinstance(said, list):
        for number, value in enumerate(said[:3]):
            yield from places(value, (*at, number))


def poisoned(said: Any, place: Place, value: Any) -> bytes:
    """Return the answer with another value in one place."""
    if not place:
        return json.dumps(value).encode()
    lie = deepcopy(said)
    inner = lie
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return json.dumps(lie).encode()


def without(said: Any, place: Place) -> bytes:
    """Return the answer with one place left out."""
    lie = deepcopy(said)
    inner = lie
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    return json.dumps(lie).encode()


def often(said: Any, times: int) -> bytes:
    """Return the answer with each row of each list many times: ids that come again."""
    return json.dumps(_often(said, times)).encode()


def _often(said: Any, times: int) -> Any:
    if isinstance(said, dict):
        return {name: _often(value, times) for name, value in said.items()}
    return said * times if isinstance(said, list) else said


@dataclass(frozen=True, slots=True)
class Page:
    """A feed that lies: how often it may still tell something true."""

    body: bytes
    told_max: int


def _entry(title: str, date: str, link: str = "https://wire.example/1", extra: str = "") -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link><guid>1</guid>"
        f"<pubDate>{date}</pubDate>{extra}</item>"
    )


def _feed(*entries: str, head: str = "<?xml version='1.0'?>") -> bytes:
    inner = "".join(entries)
    return f"{head}<rss version='2.0'><channel><title>W</title>{inner}</channel></rss>".encode()


TODAY = format_datetime(NOON - timedelta(hours=2))
LATER = format_datetime(NOON + timedelta(days=400))
_LAUGHS = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
_BOMB = f"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a0 'ha'>{_LAUGHS}]>"
_FILE = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
_CALL = "<?xml version='1.0'?><!DOCTYPE r SYSTEM 'http://127.0.0.1:9/x.dtd'>"

FEEDS: dict[str, Page] = {
    "tomorrow's": Page(_feed(_entry("widgets surge", LATER)), 0),
    "undated": Page(_feed("<item><title>widgets</title></item>"), 0),
    "no day at all": Page(_feed(_entry("widgets", "Mon, 99 Foo 99999 99:99:99 +9999")), 0),
    "the last year": Page(_feed(_entry("widgets", "31 Dec 9999 23:59:59 -1200")), 0),
    "before Christ": Page(_feed(_entry("widgets", "-0044-03-15T00:00:00Z")), 0),
    "one guid often": Page(_feed(*[_entry("widgets", TODAY)] * 500), 10),
    "many": Page(rss(*[(f"widgets {n}", "https://w.example/", NOON) for n in range(2_000)]), 10),
    "laughs": Page(_feed(_entry("widgets &a9;", TODAY), head=_BOMB), 1),
    "a file": Page(_feed(_entry("widgets &x;", TODAY), head=_FILE), 1),
    "a call": Page(_feed(_entry("widgets", TODAY), head=_CALL), 1),
    "no end": Page(_feed(_entry("widgets", TODAY))[:-30], 1),
    "deep": Page(_feed(_entry("widgets", TODAY, extra="<description>" + "<b>" * 20_000)), 1),
    "numbers for letters": Page(_feed(_entry("widgets &#0;&#8238;&#xFFFF;", TODAY)), 1),
    "another script": Page(
        _feed(_entry("widgets", TODAY), head="<?xml version='1.0' encoding='utf-7'?>"), 1
    ),
    "wide bytes": Page(_feed(_entry("widgets", TODAY)).decode().encode("utf-16"), 1),
    "links that act": Page(_feed(_entry("widgets", TODAY, "javascript:alert(1)")), 1),
    "no host": Page(_feed(_entry("widgets", TODAY, "http://[::1")), 1),
    "markup inside": Page(_feed(_entry("<![CDATA[widgets<script>alert(1)</script>]]>", TODAY)), 1),
    "a page": Page(b"<!doctype html><html><body><item>widgets</item></body></html>", 0),
    "json": Page(b'{"items": [{"title": "widgets"}]}', 0),
}
