"""Configure a source: refuse what could never be read."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import Unprocessable
from oracle.models import Source
from oracle.sources import registry
from oracle.sources.base import SourceDown

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
    """Create or change a source by its name.

    Raises:  Unprocessable source_refused with the reason.
    """
    assert limits.keys() <= LIMITS
    row = Source(name=name, kind=kind, options=dict(options), hosts=list(hosts))
    if problem := complaint(row):
        raise Unprocessable(problem, code="source_refused", fields={"source": name})
    saved, _ = Source.objects.update_or_create(
        name=name,
        defaults={
            "kind": kind,
            "options": dict(options),
            "label": label or name,
            "hosts": [host.lower() for host in hosts],
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
    if row.kind == Source.Kind.RSS:
        parts = urlsplit(str(row.options.get("url", "")))
        if parts.scheme not in ("http", "https") or parts.hostname not in row.hosts:
            return "a feed needs an http(s) url whose host is on the source's list"
    return ""
