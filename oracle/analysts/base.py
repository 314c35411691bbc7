"""What every reader offers, and what it is given to read. One file per kind beside this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from oracle.core import voices
from oracle.core.forecasts import Outside
from oracle.core.levels import LevelMapping
from oracle.core.quorum import Seat
from oracle.core.reports import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One cluster by its head, as a reader sees it. `weight_e8` is that of where it was seen.

    `publisher` is who told it first and `sources` are the seat's sources that had it.
    """

    cluster: int
    title: str
    text: str
    weight_e8: int
    publisher: str = voices.NOBODY
    sources: tuple[str, ...] = (voices.NOBODY,)

    @property
    def teller(self) -> voices.Teller:
        """Return whose voice it is."""
        return voices.Teller(
            publisher=self.publisher, sources=self.sources, weight_e8=self.weight_e8
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A published number in 1e-12 and the instant from which it could be known."""

    value_pico: int
    observed_at: datetime
    released_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """The market as its specification describes it to readers."""

    question: str
    polarity: int
    rise_words: tuple[str, ...]
    fall_words: tuple[str, ...]
    keywords: tuple[str, ...]
    mapping: LevelMapping | None
    mapping_confidence_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All a seat may know: the market, the stories, the number, F, what others forecast.

    `sources` has the weight of each of the seat's sources that answered, with news or without.
    """

    variable: Variable
    stories: tuple[Story, ...]
    number: Number | None
    fundamental_pico: int
    floor_e8: int
    as_of: datetime
    forecasts: tuple[Outside, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)


class Analyst(Protocol):
    """A reader. The same brief gives the same report, bit for bit, under the same `version`."""

    name: str

    @property
    def version(self) -> str:
        """Return what changes whenever the reader could answer differently."""
        ...

    def can_run(self) -> bool:
        """Return whether everything it needs is on this machine."""
        ...

    def read(self, seat: Seat, brief: Brief) -> Report | None:
        """Return the seat's report, or nothing where this reader has no say."""
        ...


Analysts = Mapping[str, Analyst]
