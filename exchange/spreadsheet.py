"""CSV files that no spreadsheet can be tricked by, with numbers that come back exactly."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import HttpResponse

from exchange.engines.units import format_fixed

# A cell that starts like this is a formula to a spreadsheet, so text gets an apostrophe before it.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Cell = str | int | float | None


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """Return a download. Text cells are made harmless; `Figure` and numbers are left exact."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    response = HttpResponse(stream.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


class Figure(str):
    """Text that is a number of ours: it may begin with a minus sign."""

    __slots__ = ()


def figure(count: int, places: int) -> Figure:
    """Return an integer at its scale as an exact decimal."""
    return Figure(format_fixed(count, places))


def instant(at: datetime) -> str:
    """Return an instant as ISO 8601 in UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def safe_text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" \u00a0\u200b").startswith(RISKY) else text


def _cell(value: Cell) -> Cell:
    if isinstance(value, str) and not isinstance(value, Figure):
        return safe_text(value)
    return value
