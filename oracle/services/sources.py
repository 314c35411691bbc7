"""Configure a source: refuse what could never be read."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import Unprocessable
from oracle.models import Source
from oracle.sources import registry
from oracle.sources.base import SourceDown

SCHEMES = ("http", "https")
# These send a key along.
KEYED = frozenset({Source.Kind.SERPER, Source.Kind.FRED, Source.Kind.GITHUB, Source.Kind.CHAIN})
LIMITS = frozenset({"requests_per_day_max", "cost_micro", "is_enabled"})


def source_save(
    *,
    name: str,
    kind: str,
    options: Mapping[str, Any],
    label: str = "",
    hosts: Sequence[str] = (),
    **limits: int,
) -> Source:
    """Create or change a source by its name; a service's own host need not be listed.

    Raises:  Unprocessable source_refused with the reason.
    """
    assert limits.keys() <= LIMITS
    row = Source(name=name, kind=kind, options=dict(options), hosts=list(hosts))
    if not hosts and kind in registry.WEB:
        row.hosts = [registry.host_of(row)]
    if problem := complaint(row):
        raise Unprocessable(problem, code="source_refused", fields={"source": name})
    saved, _ = Source.objects.update_or_create(
        name=name,
        defaults={
            "kind": kind,
            "options": dict(options),
            "label": label or name,
            "hosts": [host.lower() for host in row.hosts],
            **limits,
        },
    )
    return saved


def complaint(row: Source) -> str:
    """Return why a source could never be read, or nothing."""
    if not isinstance(row.options, dict):
        return "the options of a source are a mapping"
    try:
        registry.build(row, spend=lambda: None)
    except SourceDown as fault:
        return fault.message
    if row.kind == Source.Kind.ARCHIVE:
        return ""
    scheme, host = urlsplit(registry.address_of(row)).scheme, registry.host_of(row)
    if scheme not in SCHEMES or host not in [name.lower() for name in row.hosts]:
        return "a web source needs an http(s) url whose host is on the source's list"
    if row.kind in KEYED and scheme != "https":
        return "a key travels over https only"
    return ""
