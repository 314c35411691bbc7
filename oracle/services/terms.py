"""A specification's text as the values that the core and the readers work with."""

from typing import Any

from django.forms import model_to_dict

from exchange.engines.units import parse_fixed
from oracle.core.levels import LevelMapping
from oracle.core.quorum import Seat
from oracle.models import OracleSpec
from oracle.services.hashing import sha256_hex

RATE_PLACES, PRICE_PLACES = 8, 12
FULL_WEIGHT, NO_BASE, USUAL_CONFIDENCE = "1", "0", "0.9"
FIELDS = frozenset(
    {
        "question",
        "unit",
        "kind",
        "polarity",
        "rise_words",
        "fall_words",
        "keywords",
        "queries",
        "suffixes",
        "sources",
        "panel",
        "mapping",
        "quorum",
        "interval_s",
        "interval_min_s",
        "interval_max_s",
        "lookback_s",
        "daily_budget_micro",
        "fallback",
    }
)


def seats_of(spec: OracleSpec) -> list[Seat]:
    """Return the panel in the order of its seats' names."""
    seats = [
        Seat(name=row["seat"], reader=row["reader"], sources=tuple(row["sources"]))
        for row in spec.panel
    ]
    return sorted(seats, key=lambda seat: seat.name)


def weights_of(spec: OracleSpec) -> dict[str, int]:
    """Return the weight of each source in 1e-8."""
    return {
        row["source"]: parse_fixed(row.get("weight", FULL_WEIGHT), RATE_PLACES)
        for row in spec.sources
    }


def level_of(spec: OracleSpec) -> tuple[LevelMapping | None, int]:
    """Return the line from the published number to the price, and the confidence in it (1e-8).

    Raises:  ValueError for text outside the grammar; slope and base may have a minus sign.
    """
    if not spec.mapping:
        return None, 0
    line = LevelMapping(
        slope_pico=_signed_pico(spec.mapping.get("slope", "")),
        base_pico=_signed_pico(spec.mapping.get("base", NO_BASE)),
    )
    return line, parse_fixed(spec.mapping.get("confidence", USUAL_CONFIDENCE), RATE_PLACES)


def spec_sha256(spec: OracleSpec) -> str:
    """Return the hash of everything a specification says; the version number is not part of it."""
    said = {name: value for name, value in model_to_dict(spec).items() if name in FIELDS}
    return sha256_hex(said)


def _signed_pico(text: Any) -> int:
    if isinstance(text, str) and text.startswith("-"):
        return -parse_fixed(text[1:], PRICE_PLACES)
    return parse_fixed(text, PRICE_PLACES)
