"""A market's report cards as people read them: the newest card, its lines, and two plots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from exchange.models import Market
from oracle.core.card import interval
from oracle.models import Card, CardRow
from oracle.selectors import invented

WIDTH, HEIGHT = 640, 220
SQUARE = 220
ROWS_MAX = 24
RATE = 10**8
PICO_PER_E8 = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a card. Changes are in 1e-8, for display."""

    row: CardRow
    error_e8: int | None
    crps_e8: int | None
    zero_e8: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One bin of the reliability plot, in its pixels; the radius grows with the count."""

    x: int
    y: int
    radius: int
    count: int
    said_e8: int
    came_e8: int
    low_e8: int
    high_e8: int
    y_low: int
    y_high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the period in its pixels, with its figure and how many it rests on."""

    at: datetime
    x: int
    y: int
    value: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A figure over the period; the plot reaches from nothing to `top`."""

    parts: tuple[Part, ...]
    points: str
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The way of F at one moment, for the plot's table."""

    at: datetime
    f_pico: int
    level_pico: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A card with everything that a page draws."""

    card: Card
    lines: tuple[Line, ...]
    dots: tuple[Dot, ...]
    stated_dots: tuple[Dot, ...]
    stated_brier_e8: int | None
    brier_e8: int | None
    errors: Course
    stages: Course
    costs: Course
    places: tuple[Place, ...]
    stage_1_e8: int
    f_points: str
    level_points: str
    low_pico: int
    high_pico: int


def newest(market: Market) -> Sheet | None:
    """Return the market's newest card, if it has one."""
    card = Card.objects.filter(market=market).select_related("market", "spec").order_by("-id")
    found = card.first()
    return sheet(labelled([found])[0]) if found else None


def recent(market: Market | None, before: int | None, limit: int) -> list[Card]:
    """Return one more than `limit` cards, newest first, older than the key `before`."""
    rows = Card.objects.select_related("market", "spec").prefetch_related("rows")
    if market is not None:
        rows = rows.filter(market=market)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return labelled(rows.order_by("-id")[: limit + 1])


def labelled(cards: Iterable[Card]) -> list[Card]:
    """Return the cards, each saying whether the news it was made of is invented."""
    shipped, rows = invented.names(), list(cards)
    for card in rows:
        card.invented_news = invented.is_behind(card.market, card.spec, shipped)
    return rows


def sheet(card: Card) -> Sheet:
    """Return a card as a page draws it."""
    rows = list(card.rows.order_by("of", "name"))
    every = next((row for row in rows if row.of == CardRow.Of.ALL), None)
    values = [int(value) for _, *pair in card.path for value in pair if value is not None]
    low, high = min(values, default=0), max(values, default=0)
    return Sheet(
        card=card,
        lines=tuple(_line(row) for row in rows),
        dots=tuple(_dots(every.bins if every else [])),
        stated_dots=tuple(_dots(every.stated_bins if every else [])),
        stated_brier_e8=every.stated_brier_e8 if every else None,
        brier_e8=every.brier_e8 if every else None,
        errors=_course([(at, error // PICO_PER_E8, n) for at, error, n in card.errors]),
        stages=_course([(at, RATE * alone // n, n) for at, n, alone in card.stages], RATE),
        costs=_course(card.costs),
        places=tuple(_places(card.path)),
        stage_1_e8=RATE * card.stage_1_only // card.applied if card.applied else RATE,
        f_points=_points([(at, f) for at, f, _ in card.path], low, high),
        level_points=_points([(at, level) for at, _, level in card.path], low, high),
        low_pico=low,
        high_pico=high,
    )


def _line(row: CardRow) -> Line:
    return Line(
        row=row,
        error_e8=_e8(row.error_pico),
        crps_e8=_e8(row.crps_pico),
        zero_e8=_e8(row.zero_pico),
    )


def _e8(pico: int | None) -> int | None:
    return None if pico is None else pico // PICO_PER_E8


def _course(parts: Sequence[Sequence[int]], top: int = 0) -> Course:
    """Return [seconds, value, count] as a plot; without `top` it reaches to the largest value."""
    if not parts:
        return Course(parts=(), points="", top=top)
    first, span = parts[0][0], max(1, parts[-1][0] - parts[0][0])
    top = top or max(value for _, value, _ in parts)
    drawn = tuple(
        Part(
            at=datetime.fromtimestamp(at, UTC),
            x=WIDTH * (at - first) // span,
            y=HEIGHT - HEIGHT * value // max(1, top),
            value=value,
            count=count,
        )
        for at, value, count in parts
    )
    return Course(parts=drawn, points=" ".join(f"{one.x},{one.y}" for one in drawn), top=top)


def _places(path: Sequence[tuple[int, str, str | None]]) -> list[Place]:
    """Return the way of F at a few moments, evenly apart, its last one kept."""
    stride = max(1, -(-len(path) // ROWS_MAX))
    shown = [*path[:-1:stride], path[-1]] if path else []
    return [
        Place(
            at=datetime.fromtimestamp(at, UTC),
            f_pico=int(f_pico),
            level_pico=None if level is None else int(level),
        )
        for at, f_pico, level in shown
    ]


def _dots(bins: Sequence[Sequence[int]]) -> list[Dot]:
    total = sum(count for count, *_ in bins)
    return [_dot(count, hits, sure, total) for count, hits, sure in bins if count]


def _dot(count: int, hits: int, sure: int, total: int) -> Dot:
    low_e8, high_e8 = interval(hits, count)
    return Dot(
        x=SQUARE * sure // (count * RATE),
        y=SQUARE - SQUARE * hits // count,
        radius=3 + 12 * count // total,
        count=count,
        said_e8=sure // count,
        came_e8=RATE * hits // count,
        low_e8=low_e8,
        high_e8=high_e8,
        y_low=SQUARE - SQUARE * low_e8 // RATE,
        y_high=SQUARE - SQUARE * high_e8 // RATE,
    )


def _points(path: Sequence[tuple[int, str | None]], low: int, high: int) -> str:
    """Return the points of a polyline; the axes are those of the whole path."""
    if not path:
        return ""
    first, span = path[0][0], max(1, path[-1][0] - path[0][0])
    rise = max(1, high - low)
    return " ".join(
        f"{WIDTH * (at - first) // span},{HEIGHT - HEIGHT * (int(value) - low) // rise}"
        for at, value in path
        if value is not None
    )
