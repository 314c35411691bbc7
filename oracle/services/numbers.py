"""A market's published numbers as prices, as far as they were out at a moment."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from oracle.core import outcomes
from oracle.core.levels import LevelMapping
from oracle.models import OracleSpec, Source
from oracle.selectors import past
from oracle.services import terms
from oracle.sources.base import Observed, SourceDown

REACH = timedelta(days=20 * 365)


def released(spec: OracleSpec, since: datetime, until: datetime) -> list[outcomes.Released]:
    """Return the numbers that were out by `until`; a source that is down gives none."""
    line, _ = terms.level_of(spec)
    if line is None:
        return []
    found: list[Observed] = []
    series = str(spec.mapping.get("series", ""))
    for row in Source.objects.filter(name__in=[entry["source"] for entry in spec.sources]):
        try:
            found += past.source_of(row, spec.market_id).observe(series, since - REACH, until)
        except SourceDown:
            continue
    return as_levels(line, found)


def as_levels(line: LevelMapping, found: Iterable[Observed]) -> list[outcomes.Released]:
    """Return numbers as prices of the market."""
    return [
        outcomes.Released(
            released_s=int(one.released_at.timestamp()),
            observed_s=int(one.observed_at.timestamp()),
            level_pico=line.level_pico(one.value_pico),
        )
        for one in found
    ]
