"""One line each for a market with an oracle, and for the news it reads."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exchange import clock
from exchange.models import LiveState, Market
from oracle.models import OracleSpec, Run, Schedule, Source
from oracle.services import cycle, specs, sweep
from oracle.services.sources import source_save
from tests.factories import active_market

_numbers = itertools.count(1)

GOOD = "Output surged and orders rose this quarter"
BAD = "Output plunged and orders fell this quarter"


def news(title: str, *, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Return a row of an archive, published a minute ago unless told otherwise."""
    number = next(_numbers)
    at = at or clock.now() - timedelta(seconds=60)
    return {
        "title": title,
        "text": "",
        "url": f"https://wire.example/{number}",
        "publisher": "Harbour Wire",
        "published": at.isoformat(),
        "topic": "widgets",
        **fields,
    }


def archive(folder: Path, name: str = "wire", *rows: dict[str, Any]) -> Source:
    """Write an archive and return the source that reads it."""
    write(folder, name, *rows)
    return source_save(name=name, kind="archive", options={"file": f"{name}.jsonl"})


def write(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    """Write the rows of an archive, in place of those before."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"{name}.jsonl").write_text(lines)


def spec_fields(*sources: str, **changes: Any) -> dict[str, Any]:
    """Return what a specification needs at least, one lexicon seat over all sources."""
    names = sources or ("wire",)
    return {
        "question": "Are widgets dearer?",
        "unit": "USDC per point",
        "polarity": 1,
        "queries": ["widgets"],
        "sources": [{"source": name} for name in names],
        "panel": [{"seat": "words", "reader": "lexicon", "sources": list(names)}],
        "quorum": 1,
        "fallback": "rest",
        **changes,
    }


def oracle_market(*sources: str, slug: str | None = None, **changes: Any) -> Market:
    """Return an active market whose oracle reads these sources and is due now."""
    parameters = {"quorum": changes.get("quorum", 1), **changes.pop("parameters", {})}
    market = active_market(slug, **parameters)
    fields = spec_fields(*sources, **changes)
    specs.spec_save(market_id=market.pk, fields=fields, waived="a market of a test")
    return market


def due(market: Market) -> None:
    """Let the market be due now."""
    Schedule.objects.filter(market=market).update(next_at=clock.now())


def run(market: Market) -> Run:
    """Claim and finish one run."""
    started(market)
    done = cycle.run_market(market.pk)
    assert done is not None
    return done


def started(market: Market) -> Run:
    """Claim a run and leave it to whoever takes it."""
    due(market)
    claimed = sweep.claim(market.pk, clock.now())
    assert claimed is not None
    return claimed


def fundamental(market: Market) -> int:
    """Return F now, in pico."""
    return int(LiveState.objects.get(market=market).state["f_pico"])


def spec(market: Market) -> OracleSpec:
    """Return the specification the market follows."""
    return Schedule.objects.get(market=market).spec


def day(text: str) -> datetime:
    """Return midnight of a day, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
