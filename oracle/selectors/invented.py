"""Which sources give news that was invented for the demonstration, so that all of it says so."""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from exchange.models import Market
from oracle.models import OracleSpec, Source


def names() -> frozenset[str]:
    """Return the names of the sources that read an archive which this site ships."""
    return among(Source.objects.filter(kind=Source.Kind.ARCHIVE))


def among(rows: Iterable[Source]) -> frozenset[str]:
    """Return the names of those of the rows that read an archive which this site ships."""
    return frozenset(row.name for row in rows if _is_shipped(row))


def is_behind(market: Market, spec: OracleSpec | None, shipped: frozenset[str]) -> bool:
    """Return whether what a version reads is invented, in whole or in part."""
    read = {entry["source"] for entry in spec.sources} if spec else set()
    return market.is_demo or not shipped.isdisjoint(read)


def _is_shipped(row: Source) -> bool:
    """Return whether the file that the row reads, the first that is found, lies in our folder."""
    file = str(row.options.get("file", ""))
    if row.kind != Source.Kind.ARCHIVE or not file or "\0" in file:
        return False
    for root in settings.ORACLE_ARCHIVE_DIRS:
        path = (Path(root) / file).resolve()
        if path.is_relative_to(Path(root).resolve()) and path.is_file():
            return str(root) in settings.ORACLE_INVENTED_DIRS
    return False
