"""Which kinds of source there are, and how a configured row becomes one that can be read."""

from oracle.models import Source as SourceRow
from oracle.sources.archive import Archive
from oracle.sources.base import Source, SourceDown, Spend
from oracle.sources.http import Client
from oracle.sources.rss import Rss

CLIENT = Client()


def build(row: SourceRow, spend: Spend) -> Source:
    """Return the source that a row describes; it calls `spend` before each request it sends.

    Raises:  SourceDown where the row's options make no sense.
    """
    match row.kind:
        case SourceRow.Kind.ARCHIVE:
            return Archive(row.options)
        case SourceRow.Kind.RSS:
            return Rss(
                source_id=row.pk,
                options=row.options,
                hosts=row.hosts,
                client=CLIENT,
                spend=spend,
            )
        case _:
            raise SourceDown(f"there is no kind of source {row.kind!r}")
