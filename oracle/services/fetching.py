"""The first step of a run: ask the sources, store what they said and how they did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import Max

from exchange import clock
from oracle.analysts import classifier
from oracle.analysts.registry import READS_NUMBERS, READS_TONE
from oracle.core import cadence
from oracle.models import Observation, OracleSpec, Run, Sighting, Source
from oracle.services import budgets, evidence, leases
from oracle.services.hashing import digest_of
from oracle.sources import registry
from oracle.sources.base import Item, Observed, OverBudget, SourceDown
from oracle.sources.base import Source as Readable

ITEMS_PER_QUERY_MAX = 25
AHEAD_MAX = 25
REST_S, REST_S_MAX = 60, 3_600
NUMBERS_SINCE = timedelta(days=20 * 365)
NUMBERS_AGAIN = timedelta(days=1)

# A source that a thousand markets read is not written a thousand times.
OK_AGAIN = timedelta(seconds=10)

OK, SKIPPED, FAILED = "ok", "skipped", "failed"

log = structlog.get_logger()


@dataclass(slots=True)
class Answer:
    """What one source gave in one run, and how it did."""

    row: Source
    state: str = OK
    why: str = ""
    items: list[Item] = field(default_factory=list)
    numbers: list[Observed] = field(default_factory=list)
    drafts: list[evidence.Draft] = field(default_factory=list)

    def summary(self, known: int) -> dict[str, Any]:
        """Return what is shown of it: how many items came and how many were spent before."""
        return {"state": self.state, "why": self.why, "items": len(self.items), "known": known}


def fetch(run: Run) -> None:
    """Ask every source of the run's specification once and store what is new.

    A source that fails, rests or is over its budget is skipped and shown; it fails alone. Readers
    of another process begin with what was never seen while it is stored.

    Locks:   none while the sources are asked; one writer of evidence while it is stored.
    Raises:  LeaseLost.
    """
    until = clock.now()
    answers = [_ask(run, row, until) for row in _rows(run)]
    before = evidence.known(made for answer in answers for made in answer.drafts)
    _read_ahead(run.spec, answers, before)
    with leases.unhurried():
        summaries = {answer.row.name: _store(run, answer, before, until) for answer in answers}
        leases.step(
            run,
            state=Run.State.FETCHED,
            fetched_at=until,
            sources=summaries,
            cost_micro=budgets.spent_micro(run),
        )
        _note(answers, until)


def is_read_for(spec: OracleSpec, name: str, *, numbers: bool) -> bool:
    """Return whether some seat reads this source for its numbers, or for its texts."""
    return any(
        name in seat["sources"] and (seat["reader"] in READS_NUMBERS) == numbers
        for seat in spec.panel
    )


def items_about(spec: OracleSpec, source: Readable, until: datetime, digest: int) -> list[Item]:
    """Return what all queries find, each item once, in the order it was found.

    Raises:  SourceDown.
    """
    since = until - timedelta(seconds=spec.lookback_s)
    suffix = cadence.suffix(spec.suffixes, digest)
    found: dict[tuple[str, str, str], Item] = {}
    for query in spec.queries:
        asked = f"{query} {suffix}".strip() if source.searches else query
        for item in source.fetch(asked, since, until, ITEMS_PER_QUERY_MAX):
            found.setdefault((item.url, item.publisher, item.title), item)
    return list(found.values())


def _rows(run: Run) -> list[Source]:
    names = [entry["source"] for entry in run.spec.sources]
    return list(Source.objects.filter(name__in=names).order_by("name"))


def _ask(run: Run, row: Source, until: datetime) -> Answer:
    leases.keep(run)
    answer = Answer(row)
    if not row.is_enabled:
        answer.state, answer.why = SKIPPED, "switched off"
    elif row.retry_at and row.retry_at > until:
        answer.state, answer.why = SKIPPED, "rests after failures"
    else:
        _read(run, answer, until)
    return answer


def _read(run: Run, answer: Answer, until: datetime) -> None:
    row = answer.row
    try:
        source = registry.build(row, budgets.spender(row, run))
        if is_read_for(run.spec, row.name, numbers=True):
            series = str(run.spec.mapping.get("series", ""))
            answer.numbers = source.observe(series, _known_until(row, series, until), until)
        if is_read_for(run.spec, row.name, numbers=False):
            digest = digest_of(run.market_id, run.number)
            answer.items = items_about(run.spec, source, until, digest)
            answer.drafts = evidence.drafts_of(answer.items, until=until)
    except OverBudget as fault:
        answer.state, answer.why = SKIPPED, fault.message
    except SourceDown as fault:
        answer.state, answer.why = FAILED, fault.message
        _rest(row, fault)


def _read_ahead(spec: OracleSpec, answers: Sequence[Answer], before: evidence.Known) -> None:
    """Hand in what no market has seen yet, each wording once: nearly all of it will be asked."""
    read = {name for seat in spec.panel if seat["reader"] in READS_TONE for name in seat["sources"]}
    fresh = {
        made.content_sha256: made
        for answer in answers
        for made in answer.drafts
        if answer.row.name in read and made.sha256 not in before
    }
    if fresh:
        classifier.ahead(list(fresh.values())[:AHEAD_MAX])


def _note(answers: Sequence[Answer], until: datetime) -> None:
    """Keep which sources answered, in the order of their names; of many in a moment, the first."""
    for answer in answers:
        row = answer.row
        known = row.last_ok_at and until - row.last_ok_at < OK_AGAIN
        if answer.state == OK and (row.failures or row.retry_at or not known):
            Source.objects.filter(pk=answer.row.pk).update(
                failures=0, retry_at=None, last_ok_at=until, last_error=""
            )


def _known_until(row: Source, series: str, until: datetime) -> datetime:
    """Return from when on numbers are asked for: the last release we have, and a day before it."""
    stored = Observation.objects.filter(source=row, series=series)
    newest = stored.aggregate(at=Max("released_at"))["at"]
    return newest - NUMBERS_AGAIN if newest else until - NUMBERS_SINCE


def _rest(row: Source, fault: SourceDown) -> None:
    failures = row.failures + 1
    wait_s = cadence.backoff(REST_S, failures, REST_S_MAX, spread=digest_of(row.pk, failures))
    wait_s = max(wait_s, fault.retry_after_s)
    log.warning("oracle.source_down", source=row.name, why=fault.message, failures=failures)
    Source.objects.filter(pk=row.pk).update(
        failures=failures,
        retry_at=clock.now() + timedelta(seconds=wait_s),
        last_error=fault.message[:200],
    )


def _store(run: Run, answer: Answer, before: evidence.Known, until: datetime) -> dict[str, Any]:
    """Store items and numbers; sightings only of stories that the market has not used up."""
    rows = evidence.store_drafts(answer.drafts, before, until=until)
    clusters = {row.cluster_id for row in rows}
    spent = evidence.spent_among(clusters, market_id=run.market_id)
    Sighting.objects.bulk_create(
        [
            Sighting(run=run, source=answer.row, evidence=row, rank=rank)
            for rank, row in enumerate(rows)
            if row.cluster_id not in spent
        ]
    )
    series = str(run.spec.mapping.get("series", ""))
    Observation.objects.bulk_create(
        [
            Observation(
                source=answer.row,
                series=series,
                value_pico=number.value_pico,
                unit=number.unit,
                observed_at=number.observed_at,
                released_at=number.released_at,
            )
            for number in answer.numbers
        ],
        ignore_conflicts=True,
    )
    return answer.summary(known=sum(row.cluster_id in spent for row in rows))
