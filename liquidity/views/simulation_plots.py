"""The plots of a simulation as shapes for SVG: bars, a histogram, courses, with their axes.

A drawing has no words in it: it is stretched to the room there is, and its labels stand around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exchange import figures
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import MICRO, RATE
from liquidity.selectors.simulations import Bin, SizeRow

WIDTH, HEIGHT = 600, 200
INTERVALS = 4
COLUMNS_MAX = 200
Write = Callable[[int], str]
Point = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A scale of round figures; its labels run from the top down, evenly apart."""

    low: int
    high: int
    labels: tuple[str, ...]

    def y(self, figure: int) -> int:
        """Return the height of a figure in the drawing."""
        return HEIGHT - div_floor(HEIGHT * (figure - self.low), self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One upright bar, with a thin line on to `tip` where there is a worst beyond it."""

    x: int
    y: int
    width: int
    height: int
    tone: str
    middle: int
    tip: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A plot of bars with labels below; `notes` is a second row of them."""

    y: Axis
    x: tuple[str, ...]
    bars: tuple[Bar, ...]
    notes: tuple[str, ...] = ()
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A plot over time: bands are areas between two lines, `rule_y` a level to compare with."""

    y: Axis
    x: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    bands: tuple[tuple[str, str], ...] = ()
    rule_y: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """One row of bars that lie beside each other on both sides of zero."""

    label: str
    zero: int
    bars: tuple[tuple[str, int, int], ...]


def axis(low: int, high: int, write: Write) -> Axis:
    """Return a scale from at most `low` to at least `high`."""
    span = max(high - low, 1)
    rough = div_ceil(span, INTERVALS)
    power = 10 ** (len(str(rough)) - 1)
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough)
    bottom, top = div_floor(low, step) * step, div_ceil(high, step) * step
    top = max(top, bottom + step)
    return Axis(low=bottom, high=top, labels=tuple(write(n) for n in range(top, bottom - 1, -step)))


def money_label(micro: int) -> str:
    """Write an amount beside an axis: whole USDC where there are such."""
    return figures.trimmed(micro, MICRO, 0, 2)


def percent_label(rate_e8: int) -> str:
    """Write a rate beside an axis."""
    return figures.rate(rate_e8)


def slippage_plot(rows: Sequence[SizeRow]) -> Bars:
    """Draw the mean slippage by size, bought beside sold, each with a line up to the worst."""
    sides = ("bought", "sold")
    sizes = sorted({row.size_micro for row in rows})
    worst = max((row.slippage_worst_e8 for row in rows if row.samples), default=RATE // 100)
    y = axis(0, worst, percent_label)
    slot = div_floor(WIDTH, len(sizes))
    wide = div_floor(slot, 4)
    bars = []
    for row in rows:
        if row.slippage_mean_e8 is None:
            continue
        at = sizes.index(row.size_micro) * slot + slot // 2
        x = at - wide - 2 if row.side == sides[0] else at + 2
        top = min(y.y(row.slippage_mean_e8), HEIGHT - 1)
        bar = Bar(
            x=x,
            y=top,
            width=wide,
            height=HEIGHT - top,
            tone=row.side,
            middle=x + wide // 2,
            tip=min(top, y.y(row.slippage_worst_e8)),
        )
        bars.append(bar)
    return Bars(
        y=y,
        x=tuple(money_label(size) for size in sizes),
        bars=tuple(bars),
        notes=tuple(_refused_share([r for r in rows if r.size_micro == n]) for n in sizes),
    )


def _refused_share(rows: Sequence[SizeRow]) -> str:
    refused = sum(sum(row.refused.values()) for row in rows)
    asked = refused + sum(row.samples for row in rows)
    return figures.percent(div_ceil(refused * RATE, asked), 0) if asked else ""


def result_plot(bins: Sequence[Bin], median_micro: int) -> Bars:
    """Draw how the providers' results are spread, with zero and the median."""
    low, high = bins[0].low_micro, bins[-1].high_micro
    y = axis(0, max(row.paths for row in bins), str)

    def x(micro: int) -> int:
        return div_floor(WIDTH * (micro - low), high - low)

    bars = []
    for row in bins:
        left, top = x(row.low_micro), y.y(row.paths)
        bars.append(
            Bar(
                x=left + 1,
                y=top,
                width=max(x(row.high_micro) - left - 2, 1),
                height=HEIGHT - top,
                tone="loss" if row.low_micro < 0 else "gain",
                middle=0,
                tip=top,
            )
        )
    marks = [("median", x(median_micro))]
    if low < 0 < high:
        marks.append(("zero", x(0)))
    edges = (low, bins[len(bins) // 2].low_micro, high)
    return Bars(y=y, x=tuple(figures.usdc(n) for n in edges), bars=tuple(bars), lines=tuple(marks))


def parts_plot(rows: Sequence[tuple[str, Sequence[tuple[str, int]]]]) -> list[Lying]:
    """Draw parts with their signs: each row has bars of several paths, on one common scale."""
    every = [micro for _, bars in rows for _, micro in bars]
    low, high = min(0, *every), max(0, *every)
    span = max(high - low, 1)

    def x(micro: int) -> int:
        return div_floor(WIDTH * (micro - low), span)

    return [
        Lying(
            label=label,
            zero=x(0),
            bars=tuple(
                (tone, min(x(micro), x(0)), max(abs(x(micro) - x(0)), 1)) for tone, micro in bars
            ),
        )
        for label, bars in rows
    ]


def days_plot(days: Sequence[Sequence[int]], capital_micro: int) -> Course:
    """Draw what the providers have by day: the middle path, half of all, nine in ten of all."""
    rows = [[capital_micro] * len(days[0]), *days]
    y = axis(min(map(min, rows)), max(map(max, rows)), money_label)
    columns = [[_at(n, len(rows), row[k], y) for n, row in enumerate(rows)] for k in range(5)]
    return Course(
        y=y,
        x=day_labels(len(days)),
        lines=(("median", _text(columns[2])),),
        bands=(
            ("wide", _text([*columns[0], *columns[4][::-1]])),
            ("half", _text([*columns[1], *columns[3][::-1]])),
        ),
        rule_y=y.y(capital_micro),
    )


def reserve_plot(columns: Sequence[tuple[str, Sequence[int]]], days: int) -> Course:
    """Draw amounts by the hour; of hours that share a place, the least and the most are kept."""
    every = [micro for _, column in columns for micro in column]
    y = axis(min(every), max(every), money_label)
    lines = tuple((tone, _text(_thinned(column, y))) for tone, column in columns)
    return Course(y=y, x=day_labels(days), lines=lines)


def day_labels(days: int) -> tuple[str, ...]:
    """Return days evenly apart, from the first instant to the last."""
    parts = next(n for n in (6, 5, 4, 3, 2, 1) if days % n == 0)
    return tuple(str(days // parts * n) for n in range(parts + 1))


def _thinned(column: Sequence[int], y: Axis) -> list[Point]:
    count = len(column)
    places = min(count, COLUMNS_MAX)
    points = []
    for place in range(places):
        first, after = place * count // places, (place + 1) * count // places
        hours = range(first, after)
        least, most = min(hours, key=column.__getitem__), max(hours, key=column.__getitem__)
        points += [_at(n, count, column[n], y) for n in sorted({least, most})]
    return points


def _at(n: int, count: int, figure: int, y: Axis) -> Point:
    return div_floor(WIDTH * n, max(count - 1, 1)), y.y(figure)


def _text(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
