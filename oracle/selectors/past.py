"""What this site itself had read by a moment: the store as of then, never anything later."""

from datetime import datetime

from oracle.models import Evidence, Observation
from oracle.models import Source as SourceRow
from oracle.sources.archive import Archive
from oracle.sources.base import Item, Observed, Source


class Stored:
    """A source as the store remembers it: what came from it for one market, by when it came."""

    searches = False

    def __init__(self, row: SourceRow, market_id: int, queries: int = 1) -> None:
        """Remember how many queries a run asks: each of them found up to the limit."""
        self._row, self._market_id, self._queries = row, market_id, queries

    def fetch(self, query: str, since: datetime, until: datetime, limit: int) -> list[Item]:
        """Return what runs of the market had got from it by `until`, newest first.

        The query is not asked again: the runs asked it, and the source decided what it found.
        """
        rows = Evidence.objects.filter(
            sightings__source=self._row,
            sightings__run__market_id=self._market_id,
            sightings__run__fetched_at__lte=until,
            fetched_at__lte=until,
            published_at__gt=since,
            published_at__lte=until,
        )
        return [
            Item(
                title=row.title,
                text=row.text,
                url=row.url,
                publisher=row.publisher,
                published_at=row.published_at,
                lang=row.lang,
            )
            for row in rows.order_by("-published_at", "id").distinct()[: limit * self._queries]
        ]

    def observe(self, series: str, since: datetime, until: datetime) -> list[Observed]:
        """Return the numbers that were out and had been read by `until`."""
        rows = Observation.objects.filter(
            source=self._row,
            series=series,
            fetched_at__lte=until,
            released_at__gt=since,
            released_at__lte=until,
        )
        return [
            Observed(
                value_pico=int(row.value_pico),
                unit=row.unit,
                observed_at=row.observed_at,
                released_at=row.released_at,
            )
            for row in rows.order_by("released_at", "observed_at", "id")
        ]


def source_of(row: SourceRow, market_id: int, queries: int = 1) -> Source:
    """Return a source that can be asked about the past: an archive itself, else the store.

    Raises:  SourceDown.
    """
    if row.kind == SourceRow.Kind.ARCHIVE:
        return Archive(row.options)
    return Stored(row, market_id, queries)
