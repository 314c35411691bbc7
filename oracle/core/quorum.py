"""Who sits on a market's panel, which seats are independent, and which reports go in."""

from collections.abc import Sequence
from dataclasses import dataclass

from oracle.core.reports import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One vote: a reader and the sources it reads. It gives one report per run at most."""

    name: str
    reader: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The reports that go to the market and how many more it would have taken."""

    reports: tuple[Report, ...]
    counted: int
    missing: int


def dependent(seats: Sequence[Seat]) -> list[tuple[str, str]]:
    """Return the pairs of seats that are not independent: one reader over a shared source.

    Source:  spec/variable-market.md, section 9: different models or different sources.
    """
    return [
        (a.name, b.name)
        for n, a in enumerate(seats)
        for b in seats[n + 1 :]
        if a.reader == b.reader and not set(a.sources).isdisjoint(b.sources)
    ]


def assemble(reports: Sequence[Report], *, quorum: int, floor_e8: int) -> Panel:
    """Return what goes in: one report per seat, in the order of seats' names.

    Reports below the floor are handed in as well, for the record; the market ignores them, and so
    does the count.
    """
    by_seat: dict[str, Report] = {}
    for report in reports:
        by_seat.setdefault(report.seat, report)
    chosen = tuple(by_seat[name] for name in sorted(by_seat))
    counted = sum(report.confidence_e8 >= floor_e8 for report in chosen)
    return Panel(reports=chosen, counted=counted, missing=max(0, quorum - counted))
