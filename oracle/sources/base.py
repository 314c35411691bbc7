"""What every source offers, and the values it answers with. One file per kind beside this."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exchange.errors import Unavailable

QUERY_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One text as a source gave it. Nothing here is trusted, and its link is never followed."""

    title: str
    text: str
    url: str
    publisher: str
    published_at: datetime
    lang: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One published number in 1e-12: what it holds for, and when the world could first know it."""

    value_pico: int
    unit: str
    observed_at: datetime
    released_at: datetime


class SourceDown(Unavailable):
    """A source gave nothing that can be used; `retry_after_s` is its own wish, if it had one."""

    code = "source_down"

    def __init__(self, message: str, *, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OverBudget(SourceDown):
    """The day's allowance is used up. Not a fault of the source."""

    code = "over_budget"


class Source(Protocol):
    """A place to read. `searches` says that a query is sent out, so that a suffix may vary it."""

    searches: bool

    def fetch(self, query: str, since: datetime, until: datetime, limit: int) -> list[Item]:
        """Return items about `query`, published after `since` and not after `until`, newest first.

        Raises:  SourceDown.
        """
        ...

    def observe(self, series: str, since: datetime, until: datetime) -> list[Observed]:
        """Return numbers released after `since` and not after `until`, oldest release first.

        Raises:  SourceDown.
        """
        ...


WORD = re.compile(r"[^\W_]+")

# Called before each request that leaves the machine; raises OverBudget instead of returning.
Spend = Callable[[], None]


def mentions(query: str, *texts: str) -> bool:
    """Return whether every word of `query` occurs as a whole word, in any order and case."""
    found = set(words(" ".join(texts)))
    return all(word in found for word in words(query))


def words(text: str) -> list[str]:
    """Return the runs of letters and digits of a text, folded to one case."""
    return WORD.findall(text.casefold())
