"""Everything that can be wrong with an oracle's specification, said in sentences."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError

from exchange.engines.units import RATE
from exchange.selectors.configs import config_of
from oracle.analysts import registry
from oracle.core import quorum
from oracle.core.quorum import Seat
from oracle.models import OracleSpec, Source
from oracle.services.terms import level_of, seats_of, weights_of
from oracle.sources.base import QUERY_MAX

QUERIES_MAX, SUFFIXES_MAX, WORDS_MAX, WORD_MAX = 10, 20, 60, 60
SOURCES_MAX, SEATS_MAX = 25, 15
MAPPING_FIELDS = frozenset({"series", "slope", "base", "confidence"})


def lint(spec: OracleSpec) -> list[str]:
    """Return everything that is wrong with a specification, as sentences."""
    try:
        spec.full_clean(exclude=["market", "version"])
    except ValidationError as error:
        return [f"{name}: {text}" for name, texts in error.message_dict.items() for text in texts]
    if shape := _shape(spec):
        return shape
    return [*_sources(spec), *_panel(spec), *_level(spec), *_time(spec)]


def _shape(spec: OracleSpec) -> list[str]:
    """Return what has the wrong type or length, before anything looks inside."""
    lists = {
        "queries": (spec.queries, QUERIES_MAX, QUERY_MAX),
        "suffixes": (spec.suffixes, SUFFIXES_MAX, WORD_MAX),
        "rise_words": (spec.rise_words, WORDS_MAX, WORD_MAX),
        "fall_words": (spec.fall_words, WORDS_MAX, WORD_MAX),
        "keywords": (spec.keywords, WORDS_MAX, WORD_MAX),
    }
    problems = [
        f"{name} must be a list of at most {most} texts of at most {length} characters"
        for name, (value, most, length) in lists.items()
        if not _texts(value, most, length)
    ]
    sources = isinstance(spec.sources, list) and all(
        isinstance(row, dict) and set(row) <= {"source", "weight"} and _text(row.get("source"))
        for row in spec.sources
    )
    panel = isinstance(spec.panel, list) and all(
        isinstance(row, dict)
        and set(row) == {"seat", "reader", "sources"}
        and _text(row["seat"])
        and _text(row["reader"])
        and _texts(row["sources"], SOURCES_MAX, WORD_MAX)
        for row in spec.panel
    )
    problems += [] if sources else ["sources must be a list of {source, weight}"]
    problems += [] if panel else ["panel must be a list of {seat, reader, sources}"]
    if not isinstance(spec.mapping, dict) or set(spec.mapping) - MAPPING_FIELDS:
        problems.append("mapping must have series, slope, base and confidence, and nothing else")
    return problems


def _sources(spec: OracleSpec) -> list[str]:
    problems = []
    names = [row["source"] for row in spec.sources]
    if not names:
        problems.append("a specification needs at least one source")
    if len(names) > SOURCES_MAX or len(set(names)) < len(names):
        problems.append(f"sources are named once each, at most {SOURCES_MAX}")
    known = set(Source.objects.filter(name__in=names).values_list("name", flat=True))
    problems += [f"there is no source {name!r}" for name in names if name not in known]
    try:
        if any(not 0 < weight <= RATE for weight in weights_of(spec).values()):
            problems.append("a source's weight is above 0 and at most 1")
    except ValueError:
        problems.append("a source's weight is decimal text with at most 8 places")
    return problems


def _panel(spec: OracleSpec) -> list[str]:
    seats = seats_of(spec)
    problems = _seats(spec, seats)
    problems += [
        f"the seats {a!r} and {b!r} are not independent: one reader over a shared source"
        for a, b in quorum.dependent(seats)
    ]
    if sum(seat.reader in registry.READS_NOTHING for seat in seats) > 1:
        problems.append("all outside forecasts share one seat")
    others = registry.READS_NUMBERS | registry.READS_NOTHING
    reads_text = any(seat.reader not in others for seat in seats)
    if reads_text and not spec.queries:
        problems.append("a specification that reads text needs 1 to 10 queries")
    needed = config_of(spec.market.config).quorum
    if spec.quorum != needed:
        problems.append(f"the quorum is {spec.quorum}, the market's own is {needed}")
    if len(seats) < needed:
        problems.append(f"{len(seats)} seats can never make a quorum of {needed}")
    return problems


def _seats(spec: OracleSpec, seats: Sequence[Seat]) -> list[str]:
    problems = []
    listed = {row["source"] for row in spec.sources}
    if not seats or len(seats) > SEATS_MAX or len({s.name for s in seats}) < len(seats):
        problems.append(f"the panel has 1 to {SEATS_MAX} seats, each with a name of its own")
    for seat in seats:
        if seat.reader not in registry.names():
            problems.append(f"there is no reader {seat.reader!r}")
        if seat.reader in registry.READS_NOTHING:
            if seat.sources:
                problems.append(f"the seat {seat.name!r} reads no source")
        elif not seat.sources or not listed.issuperset(seat.sources):
            problems.append(f"the seat {seat.name!r} must read some of the sources, and no other")
        if seat.reader in registry.READS_NUMBERS and not spec.mapping:
            problems.append(f"the seat {seat.name!r} reads numbers and needs a mapping")
    return problems


def _level(spec: OracleSpec) -> list[str]:
    if spec.kind == OracleSpec.Kind.LEVEL and not spec.mapping:
        return ["a level market needs a mapping from its published number to the price"]
    if not spec.mapping:
        return []
    if not _text(spec.mapping.get("series")):
        return ["the mapping names the series"]
    try:
        line, confidence_e8 = level_of(spec)
    except ValueError:
        return ["slope, base and confidence of the mapping are decimal text"]
    if not line or not line.slope_pico or confidence_e8 > RATE:
        return ["the slope is not 0 and the confidence at most 1"]
    return []


def _time(spec: OracleSpec) -> list[str]:
    problems = []
    if not spec.interval_min_s <= spec.interval_s <= spec.interval_max_s:
        problems.append("the interval lies inside its own range")
    stale_s = config_of(spec.market.config).max_stale_s
    if spec.interval_max_s > stale_s:
        problems.append(f"an interval above {stale_s} s would let the market's oracle go stale")
    if spec.lookback_s < spec.interval_max_s:
        problems.append("the lookback is at least as long as the longest interval")
    return problems


def _texts(value: Any, most: int, length: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(_text(text) and len(text) <= length for text in value)
    )


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
