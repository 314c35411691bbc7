"""How integers travel: decimal text with every place written out, named without the scale."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exchange import clock
from exchange.engines.units import format_fixed

PLACES = {"_micro": 6, "_nano": 9, "_pico": 12, "_e8": 8, "_e9": 9}


def figures(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with integers at a scale as text: needed_micro 500000 is needed 0.500000.

    Whatever carries no scale in its name (seconds, counts, words) stays as it is. The order is
    that of the names, so that an answer read back from the log has the bytes of the first.
    """
    written: dict[str, Any] = {}
    for name, value in sorted(fields.items()):
        suffix = next((s for s in PLACES if name.endswith(s)), None)
        if suffix is None or isinstance(value, bool) or not isinstance(value, int):
            written[name] = value
        else:
            written[name.removesuffix(suffix)] = format_fixed(value, PLACES[suffix])
    return written


def instant(at: datetime | int) -> str:
    """Return an instant, or seconds since the epoch, as ISO 8601 in UTC with a Z."""
    moment = clock.at(at) if isinstance(at, int) else at.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")
