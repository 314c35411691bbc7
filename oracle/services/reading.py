"""The second step of a run: choose what is new, give each seat its brief, keep its report.

What was read is written down by key before it is read, and reports are made from that list alone.
So a replay is the same call with the same list.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import structlog

from exchange import clock
from exchange.engines import variable
from exchange.selectors import access
from exchange.selectors.configs import config_of
from oracle.analysts.base import Analyst, Brief, Number, Story, Variable
from oracle.analysts.nets import ReaderAway
from oracle.analysts.registry import READS_NOTHING, READS_NUMBERS, available
from oracle.core import novelty, reports
from oracle.core.calibration import Points, calibrated
from oracle.core.forecasts import Outside
from oracle.core.quorum import Seat
from oracle.models import Calibration, Evidence, Observation, OracleSpec, Report, Run
from oracle.services import calibrating, evidence, fetching, forecasting, leases, terms, texts
from oracle.services.hashing import sha256_hex

STORIES_MAX = 25
# Raised by hand whenever the steps between stored evidence and reports change their answer.
CODE_VERSION = "3"

log = structlog.get_logger()

Inputs = dict[str, Any]
Tables = Mapping[str, Points]


@dataclass(slots=True)
class Answers:
    """What the seats of one run said: reports, why others gave none, and who was away."""

    made: list[reports.Report] = field(default_factory=list)
    abstained: dict[str, str] = field(default_factory=dict)
    away: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


class EvidenceChanged(Exception):
    """A stored text no longer has the hash it was stored under."""


def read(run: Run) -> None:
    """Let every seat that can read give its report, and store them with the hash of all inputs.

    Raises:  LeaseLost.
    Keeps:   one report per seat and run; the same inputs and versions give the same reports.
    """
    inputs = _inputs(run)
    found = reports_from(run.spec, inputs, run.sources)
    made, used = found.made, found.versions
    worth = Calibration.objects.in_bulk(inputs["calibrations"].values())
    versions = {
        "spec": terms.spec_sha256(run.spec),
        "readers": used,
        "code": CODE_VERSION,
        "calibrations": {row.reader: row.sha256 for row in worth.values()},
    }
    with leases.unhurried():
        Report.objects.bulk_create([_row(run, report, used[report.reader]) for report in made])
        leases.step(
            run,
            state=Run.State.READ,
            read_at=clock.now(),
            fundamental_pico=int(inputs["fundamental_pico"]),
            inputs=inputs,
            inputs_sha256=sha256_hex([inputs, versions]),
            reports_sha256=reports_sha256(made),
            versions=versions,
            detail={"abstained": found.abstained, "away": found.away},
        )


def reports_from(
    spec: OracleSpec, inputs: Inputs, sources: Mapping[str, Any], away: Collection[str] = ()
) -> Answers:
    """Return the report of each seat that can give one, and why the others do not.

    `away` are seats that are not asked: a replay asks only who was there.

    Raises:  EvidenceChanged.
    """
    stories = _stories(inputs)
    tables = _tables(inputs)
    return ask_seats(
        spec,
        lambda seat: _brief(spec, inputs, stories, seat, sources),
        sources,
        away,
        tables=tables,
    )


def ask_seats(
    spec: OracleSpec,
    brief_of: Callable[[Seat], Brief],
    sources: Mapping[str, Any],
    away: Collection[str] = (),
    *,
    tables: Tables = MappingProxyType({}),
) -> Answers:
    """Return the answer of each seat over its brief, wherever the brief comes from.

    `tables` has what a reader's confidence proved to be worth; without one it is as stated.

    Raises:  whatever `brief_of` raises.
    """
    found = Answers()
    analysts = available()
    for seat in terms.seats_of(spec):
        analyst = analysts.get(seat.reader)
        silent = silent_among(seat.sources, sources)
        if seat.name in away:
            found.abstained[seat.name] = "not asked again: it was away"
        elif analyst is None:
            found.abstained[seat.name] = f"the reader {seat.reader} cannot run here"
            found.away.append(seat.name)
        elif seat.sources and len(silent) == len(seat.sources):
            found.abstained[seat.name] = "none of its sources answered"
        else:
            _ask(found, analyst, seat, brief_of(seat), tables.get(seat.reader))
    return found


def silent_among(names: Sequence[str], sources: Mapping[str, Any]) -> list[str]:
    """Return those of the named sources that gave nothing usable in a run."""
    return [name for name in names if sources.get(name, {}).get("state") != fetching.OK]


def reports_sha256(made: Sequence[reports.Report]) -> str:
    """Return the hash that names a set of reports: every field, seats in the order of names."""
    ordered = sorted(made, key=lambda report: report.seat)
    return sha256_hex([asdict(report) for report in ordered])


def _ask(found: Answers, analyst: Analyst, seat: Seat, brief: Brief, points: Points | None) -> None:
    """Add what one seat says. Who was away or broke is not asked again by a replay.

    Where a confidence has proved its worth, it is that worth the floor is for.
    """
    version = analyst.version
    told = replace(brief, floor_e8=0) if points else brief
    try:
        report = analyst.read(seat, told)
    except ReaderAway as fault:
        log.warning("oracle.reader_away", seat=seat.name, reader=seat.reader, why=fault.message)
        found.abstained[seat.name] = f"the reader {seat.reader} is away"
        found.away.append(seat.name)
    except Exception as fault:  # one broken reader may not silence the others
        log.exception("oracle.reader_failed", seat=seat.name, reader=seat.reader)
        found.abstained[seat.name] = f"the reader failed: {type(fault).__name__}"
        found.away.append(seat.name)
    else:
        if report is None:
            found.abstained[seat.name] = "it has nothing to say"
        else:
            worth = calibrated(report, points, brief.floor_e8) if points else report
            found.made.append(worth)
            found.versions[seat.reader] = version


def _inputs(run: Run) -> Inputs:
    """Return all that the seats will be told, by key: stories, numbers, F and the floor."""
    seen = _seen(run)
    clusters = {cluster for ids in seen.values() for cluster in ids}
    spent = evidence.spent_among(clusters, market_id=run.market_id)
    heads, publishers = _heads(clusters - spent)
    chosen = novelty.choose(seen, spent, STORIES_MAX, publishers)
    live = access.live(run.market_id)
    state = variable.MarketState.from_mapping(live.state)
    assert run.fetched_at is not None
    return {
        "as_of": run.fetched_at.isoformat(),
        "fundamental_pico": str(state.f_pico),
        "floor_e8": config_of(live.market.config).conf_min_e8,
        "stories": [
            [cluster, heads[cluster], sorted(name for name in seen if cluster in seen[name])]
            for cluster in chosen
        ],
        "numbers": _numbers(run),
        "forecasts": _forecasts(run),
        "calibrations": calibrating.in_force(
            run.spec, run.fetched_at, {name: one.version for name, one in available().items()}
        ),
    }


def _heads(clusters: Collection[int]) -> tuple[dict[int, int], dict[int, str]]:
    """Return the head of each story, and whose voice it is."""
    rows = Evidence.objects.filter(cluster_id__in=clusters, is_head=True)
    found = list(rows.values_list("cluster_id", "id", "url", "publisher"))
    return (
        {cluster: head for cluster, head, *_ in found},
        {cluster: texts.publisher_key(*named) for cluster, _, *named in found},
    )


def _seen(run: Run) -> dict[str, list[int]]:
    seen: defaultdict[str, list[int]] = defaultdict(list)
    rows = run.sightings.order_by("source__name", "rank", "id")
    for name, cluster in rows.values_list("source__name", "evidence__cluster_id"):
        seen[name].append(cluster)
    return dict(seen)


def _numbers(run: Run) -> dict[str, int]:
    """Return the newest observation that was out by now, for each seat that reads numbers."""
    series = str(run.spec.mapping.get("series", ""))
    found: dict[str, int] = {}
    for seat in terms.seats_of(run.spec):
        if seat.reader in READS_NUMBERS:
            newest = (
                Observation.objects.filter(
                    source__name__in=seat.sources, series=series, released_at__lte=run.fetched_at
                )
                .order_by("-observed_at", "-released_at", "-id")
                .first()
            )
            found |= {seat.name: newest.pk} if newest else {}
    return found


def _tables(inputs: Inputs) -> Tables:
    """Return what each reader's confidence was worth when the run was read.

    Raises:  EvidenceChanged.
    """
    used: dict[str, int] = inputs.get("calibrations", {})
    rows = Calibration.objects.in_bulk(used.values())
    try:
        return {reader: calibrating.points_of(rows[key]) for reader, key in used.items()}
    except ValueError as error:
        raise EvidenceChanged(str(error)) from error


def _stories(inputs: Inputs) -> dict[int, tuple[Evidence, list[str]]]:
    heads = Evidence.objects.in_bulk([head for _, head, _ in inputs["stories"]])
    for head in heads.values():
        if not evidence.is_intact(head):
            raise EvidenceChanged(f"evidence {head.pk} is not what was stored")
    return {cluster: (heads[head], names) for cluster, head, names in inputs["stories"]}


def _brief(
    spec: OracleSpec,
    inputs: Inputs,
    stories: Mapping[int, tuple[Evidence, list[str]]],
    seat: Seat,
    sources: Mapping[str, Any],
) -> Brief:
    weights = terms.weights_of(spec)
    told = [
        story_of(cluster, head, [name for name in names if name in seat.sources], weights)
        for cluster, (head, names) in stories.items()
        if not set(names).isdisjoint(seat.sources)
    ]
    return Brief(
        variable=variable_of(spec),
        stories=tuple(told),
        number=_number(inputs["numbers"].get(seat.name)),
        fundamental_pico=int(inputs["fundamental_pico"]),
        floor_e8=inputs["floor_e8"],
        as_of=datetime.fromisoformat(inputs["as_of"]),
        forecasts=_outsides(inputs, seat),
        sources=answered(seat, sources, weights),
    )


def story_of(
    cluster: int, head: evidence.Told, names: Sequence[str], weights: Mapping[str, int]
) -> Story:
    """Return a story as the seat reads it whose sources `names` had it."""
    return Story(
        cluster=cluster,
        title=head.title,
        text=head.text,
        weight_e8=max(weights[name] for name in names),
        publisher=texts.publisher_key(head.url, head.publisher),
        sources=tuple(sorted(names)),
    )


def answered(seat: Seat, sources: Mapping[str, Any], weights: Mapping[str, int]) -> dict[str, int]:
    """Return the weight of each of the seat's sources that answered in a run."""
    silent = silent_among(seat.sources, sources)
    return {name: weights[name] for name in seat.sources if name not in silent}


def _forecasts(run: Run) -> list[list[int]]:
    """Return what outside programs say now, with the weight of each, where a seat hears them."""
    if not any(seat.reader in READS_NOTHING for seat in terms.seats_of(run.spec)):
        return []
    assert run.fetched_at is not None
    heard = forecasting.chosen(run.market_id, run.fetched_at)
    return [list(pair) for pair in forecasting.weighed(heard, run.fetched_at)]


def _outsides(inputs: Inputs, seat: Seat) -> tuple[Outside, ...]:
    if seat.reader not in READS_NOTHING:
        return ()
    return forecasting.outsides(inputs.get("forecasts", []))


def _number(key: int | None) -> Number | None:
    row = Observation.objects.filter(pk=key).first() if key else None
    if row is None:
        return None
    return Number(
        value_pico=int(row.value_pico), observed_at=row.observed_at, released_at=row.released_at
    )


def variable_of(spec: OracleSpec) -> Variable:
    """Return the market as its readers are told about it."""
    line, confidence_e8 = terms.level_of(spec)
    return Variable(
        question=spec.question,
        polarity=spec.polarity,
        rise_words=tuple(spec.rise_words),
        fall_words=tuple(spec.fall_words),
        keywords=tuple(spec.keywords),
        mapping=line,
        mapping_confidence_e8=confidence_e8,
    )


def report_of(row: Report) -> reports.Report:
    """Return what a seat said, as it was stored."""
    return reports.Report(
        seat=row.seat,
        reader=row.reader,
        sources=tuple(row.sources),
        kind=row.kind,
        delta_pico=row.delta_pico,
        confidence_e8=row.confidence_e8,
        stated_e8=row.stated_e8,
        level_pico=None if row.level_pico is None else int(row.level_pico),
        impact=row.impact,
        notes=tuple(row.notes),
        summary=row.summary,
        marks=tuple(
            reports.Mark(cluster=cluster, sign=sign, confidence_e8=sure, keyword=keyword)
            for cluster, sign, sure, keyword in row.marks
        ),
    )


def _row(run: Run, report: reports.Report, version: str) -> Report:
    return Report(
        run=run,
        seat=report.seat,
        reader=report.reader,
        reader_version=version,
        sources=list(report.sources),
        kind=report.kind,
        delta_pico=report.delta_pico,
        level_pico=report.level_pico,
        confidence_e8=report.confidence_e8,
        stated_e8=report.stated_e8,
        impact=report.impact,
        notes=list(report.notes),
        summary=report.summary,
        marks=[[m.cluster, m.sign, m.confidence_e8, m.keyword] for m in report.marks],
    )
