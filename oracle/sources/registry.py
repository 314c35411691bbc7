"""Which kinds of source there are, and how a configured row becomes one that can be read."""

from urllib.parse import urlsplit

from oracle.models import Source as SourceRow
from oracle.sources.archive import Archive
from oracle.sources.base import Source, SourceDown, Spend
from oracle.sources.chain import Chain, node_url
from oracle.sources.fred import Fred
from oracle.sources.gdelt import Gdelt
from oracle.sources.github import GitHub
from oracle.sources.hackernews import HackerNews
from oracle.sources.http import Client
from oracle.sources.npm import Npm
from oracle.sources.openmeteo import OpenMeteo
from oracle.sources.pypi import PyPI
from oracle.sources.rss import Rss
from oracle.sources.serper import Serper
from oracle.sources.web import Line, Numbers, Texts
from oracle.sources.wikipedia import Wikipedia

CLIENT = Client()

WEB: dict[str, type[Texts | Numbers]] = {
    SourceRow.Kind.SERPER: Serper,
    SourceRow.Kind.GDELT: Gdelt,
    SourceRow.Kind.HACKER_NEWS: HackerNews,
    SourceRow.Kind.FRED: Fred,
    SourceRow.Kind.OPEN_METEO: OpenMeteo,
    SourceRow.Kind.GITHUB: GitHub,
    SourceRow.Kind.NPM: Npm,
    SourceRow.Kind.PYPI: PyPI,
    SourceRow.Kind.WIKIPEDIA: Wikipedia,
    SourceRow.Kind.CHAIN: Chain,
}


def build(row: SourceRow, spend: Spend) -> Source:
    """Return the source that a row describes; it calls `spend` before each request it sends.

    Raises:  SourceDown where the row's options make no sense.
    """
    if row.kind == SourceRow.Kind.ARCHIVE:
        return Archive(row.options)
    if row.kind == SourceRow.Kind.RSS:
        return Rss(
            source_id=row.pk, options=row.options, hosts=row.hosts, client=CLIENT, spend=spend
        )
    if row.kind in WEB:
        line = Line(
            source_id=row.pk, options=row.options, hosts=row.hosts, client=CLIENT, spend=spend
        )
        return WEB[row.kind](line)
    raise SourceDown(f"there is no kind of source {row.kind!r}")


def address_of(row: SourceRow) -> str:
    """Return where a source asks; nothing for one that asks nobody."""
    if row.kind == SourceRow.Kind.CHAIN:
        return node_url()
    usual = WEB[row.kind].URL if row.kind in WEB else ""
    return str(row.options.get("url") or usual)


def host_of(row: SourceRow) -> str:
    """Return the host a source asks; nothing for one that asks nobody."""
    try:
        return urlsplit(address_of(row)).hostname or ""
    except ValueError:
        return ""
