"""The drawings of sessions as points for SVG: sparklines, and lines of figures over time.

A drawing has no words in it: it is stretched to the room there is, and its labels stand around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exchange import figures
from exchange.engines.units import MICRO, PICO

WIDTH, HEIGHT = 600, 200
SPARK_WIDTH, SPARK_HEIGHT = 100, 30
STEPS = 4

# Milliseconds since the start, and the figure.
Point = tuple[int, int]
Write = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its tone is the colour of its outcome, or a role."""

    tone: str
    points: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over a common time, with the labels of both scales."""

    lines: tuple[Line, ...]
    y: tuple[str, ...]
    x: tuple[str, ...]


def spark(values: Sequence[int | None]) -> str:
    """Return the points of a small line without scales; too few values are none."""
    known = [value for value in values if value is not None]
    if len(known) < 2:  # noqa: PLR2004 (a line has two ends)
        return ""
    low, high = min(known), max(known)
    span, last = max(high - low, 1), len(known) - 1
    return " ".join(
        f"{SPARK_WIDTH * n // last},{SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * (v - low) // span}"
        for n, v in enumerate(known)
    )


def price_plot(series: Sequence[tuple[str, str, Sequence[Point]]], end_ms: int) -> Plot:
    """Draw prices between 0 and 1: (tone, name, points) each."""
    return plot(series, end_ms, 0, PICO, lambda pico: figures.price(pico, 2))


def money_plot(series: Sequence[tuple[str, str, Sequence[Point]]], end_ms: int) -> Plot:
    """Draw amounts."""
    every = [value for _, _, points in series for _, value in points] or [0]
    low, high = min(0, *every), max(1, *every)
    step = _step(high - low)
    low, high = low // step * step, -(-high // step) * step
    return plot(series, end_ms, low, high, lambda m: figures.trimmed(m, MICRO, 0, 2), step=step)


def plot(
    series: Sequence[tuple[str, str, Sequence[Point]]],
    end_ms: int,
    low: int,
    high: int,
    write: Write,
    *,
    step: int = 0,
) -> Plot:
    """Return lines within a scale."""
    step = step or max(1, (high - low) // STEPS)
    labels = tuple(write(n) for n in range(high, low - 1, -step))
    lines = tuple(
        Line(tone, _text(points, end_ms, low, high), name) for tone, name, points in series
    )
    return Plot(lines, labels, _times(end_ms))


def _text(points: Sequence[Point], end_ms: int, low: int, high: int) -> str:
    span, whole = max(high - low, 1), max(end_ms, 1)
    return " ".join(
        f"{min(WIDTH, WIDTH * at // whole)},{HEIGHT - HEIGHT * (value - low) // span}"
        for at, value in points
    )


def _step(span: int) -> int:
    rough = max(1, -(-span // STEPS))
    power: int = 10 ** (len(str(rough)) - 1)
    return next(n * power for n in (1, 2, 5, 10) if n * power >= rough)


def _times(end_ms: int) -> tuple[str, ...]:
    return tuple(_clock(end_ms * n // STEPS) for n in range(STEPS + 1))


def _clock(ms: int) -> str:
    seconds = ms // 1000
    if seconds >= 3600:  # noqa: PLR2004 (an hour)
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{seconds // 60}:{seconds % 60:02}"
