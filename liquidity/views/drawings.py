"""The vesting calendar as a picture: a staircase of units over days, with today in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange import clock
from exchange.engines.rounding import div_floor
from liquidity.selectors.stakes import Step

WIDTH, HEIGHT = 640, 120
TOP, BOTTOM = 8, 112
# The start of the picture lies before the first step by this part of its length.
LEAD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One step in the picture, with its place for a label."""

    x: int
    y: int
    at: datetime
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Points of a polyline and of the area under it, in a box of WIDTH by HEIGHT."""

    width: int
    height: int
    line: str
    area: str
    vested: str
    today_x: int
    marks: tuple[Mark, ...]


def calendar_drawing(steps: Sequence[Step], now_s: int) -> Drawing | None:
    """Return the staircase, or None where nothing vests."""
    if not steps or not steps[-1].total_nano:
        return None
    first, last = min(steps[0].at_s, now_s), max(steps[-1].at_s, now_s)
    start = first - max(div_floor(last - first, LEAD), 1)
    span = last - start
    most = steps[-1].total_nano

    def x(at_s: int) -> int:
        return div_floor(WIDTH * (at_s - start), span)

    def y(units: int) -> int:
        return BOTTOM - div_floor((BOTTOM - TOP) * units, most)

    points, level = [(0, y(0))], 0
    for step in steps:
        points += [(x(step.at_s), y(level)), (x(step.at_s), y(step.total_nano))]
        level = step.total_nano
    points.append((WIDTH, y(level)))
    today = x(now_s)
    past = [(px, py) for px, py in points if px <= today]
    past.append((today, past[-1][1]))
    return Drawing(
        width=WIDTH,
        height=HEIGHT,
        line=_text(points),
        area=_text([*points, (WIDTH, BOTTOM), (0, BOTTOM)]),
        vested=_text([*past, (today, BOTTOM), (0, BOTTOM)]),
        today_x=today,
        marks=tuple(
            Mark(x=x(s.at_s), y=y(s.total_nano), at=clock.at(s.at_s), step=s) for s in steps
        ),
    )


def _text(points: list[tuple[int, int]]) -> str:
    return " ".join(f"{px},{py}" for px, py in points)
