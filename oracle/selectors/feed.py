"""What a market's oracle did, run by run, as people read it: the words of every state included."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from exchange.models import Market, OracleMove
from oracle.models import Evidence, HumanLabel, Report, Run, Source
from oracle.selectors import aftermath, invented
from oracle.selectors.aftermath import Aftermath

FEED_MAX = 100
HREF = ("https://", "http://")
PICO_PER_E8 = 10_000

CLAMPS = {
    "report": "a report was held at the market's largest change",
    "step": "one event moves F no further than the circuit breaker allows",
    "day": "F moves no further in one day",
    "solvency": "the curve rises no further than the providers' capital can pay",
    "floor": "the price stays above its floor",
}
REASONS = {
    "no_quorum": "too few independent reports",
    "source_down": "a source did not answer, and this market waits for all of them",
    "stopped": "the oracle was stopped meanwhile",
    "failed": "the run broke off by a fault of ours",
    "not_active": "the market does not take oracle events now",
    "market_halted": "the market is halted",
    "too_late": "no worker finished it in time",
}
STATES = {
    Run.State.STARTED: "running",
    Run.State.FETCHED: "running",
    Run.State.READ: "running",
    Run.State.DECIDED: "running",
    Run.State.REFUSED: "no event",
    Run.State.EXPIRED: "no event",
}
WORDS = {1: "rises", -1: "falls", 0: "no change"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A way to the original: http(s) only, shown with the site it really leads to."""

    url: str
    publisher: str
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one seat made of one story."""

    seat: str
    word: str
    confidence_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One cluster: its first telling, everybody who told it by then, and what was made of it."""

    key: int
    title: str
    text: str
    published_at: datetime
    publishers: tuple[str, ...]
    links: tuple[Link, ...]
    opinions: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One seat's report. The change is in 1e-8, rounded toward zero, for display."""

    seat: str
    reader: str
    sources: tuple[str, ...]
    kind: str
    word: str
    change_e8: int
    level_pico: int | None
    confidence_e8: int
    stated_e8: int
    impact: int
    notes: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """How one source did in one run."""

    label: str
    state: str
    why: str
    items: int
    known: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamp:
    """A rule that held the move back."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One run as the feed shows it. `state` is moved, no change, no event or running."""

    run: Run
    run_id: str
    ref: str
    number: int
    at: datetime
    state: str
    reason: str
    verdicts: tuple[Verdict, ...]
    stories: tuple[Story, ...]
    sources: tuple[SourceRead, ...]
    abstained: tuple[tuple[str, str], ...]
    clamps: tuple[Clamp, ...]
    move: OracleMove | None
    aftermath: Aftermath | None
    invented_news: bool
    judgement: HumanLabel | None

    @property
    def change_e8(self) -> int | None:
        """The relative change of F, 1e-8; nothing without an event."""
        if self.move is None:
            return None
        before, after = int(self.move.fundamental_before_pico), int(self.move.fundamental_pico)
        return _ratio_e8(after - before, before)

    @property
    def story_count(self) -> int:
        """How many stories were read."""
        return len(self.stories)

    @property
    def publishers(self) -> int:
        """How many publishers were read in all."""
        return len({name for story in self.stories for name in story.publishers})


def feed(market: Market, limit: int = 20) -> list[FeedItem]:
    """Return the market's newest runs with all that was read, newest first."""
    rows = Run.objects.filter(market=market, is_dry=False).select_related("market", "spec")
    return items(list(rows.order_by("-id")[: min(limit, FEED_MAX)]))


def items(runs: Sequence[Run]) -> list[FeedItem]:
    """Return runs as the feed shows them, in the given order, in a handful of queries."""
    verdicts, opinions = _reports(runs)
    told = _evidence(runs)
    sources = list(Source.objects.all())
    labels, shipped = {row.name: str(row) for row in sources}, invented.among(sources)
    said = HumanLabel.objects.filter(run__in=runs).order_by("id")
    judged = {row.run_id: row for row in said}
    told_of = aftermath.moves(run.ref for run in runs)
    moves = {ref: found.move for ref, found in told_of.items()}
    return [
        FeedItem(
            run=run,
            run_id=run.public_id,
            ref=run.ref,
            number=run.number,
            at=run.finished_at or run.started_at,
            state=_state(run, moves.get(run.ref)),
            reason=REASONS.get(run.reason, run.reason.replace("_", " ")),
            verdicts=tuple(verdicts[run.pk]),
            stories=tuple(_stories(run, told, opinions)),
            sources=tuple(_source(labels, name, row) for name, row in sorted(run.sources.items())),
            abstained=tuple(sorted(run.detail.get("abstained", {}).items())),
            clamps=_clamps(moves.get(run.ref)),
            move=moves.get(run.ref),
            aftermath=told_of[run.ref].aftermath if run.ref in told_of else None,
            invented_news=invented.is_behind(run.market, run.spec, shipped),
            judgement=judged.get(run.pk),
        )
        for run in runs
    ]


def safe_url(url: str) -> str:
    """Return the address if it is a plain http(s) link, nothing otherwise."""
    return url if url.startswith(HREF) else ""


def _state(run: Run, move: OracleMove | None) -> str:
    if run.state != Run.State.APPLIED:
        return STATES[Run.State(run.state)]
    same = move is None or move.fundamental_before_pico == move.fundamental_pico
    return "no change" if same else "moved"


def _clamps(move: OracleMove | None) -> tuple[Clamp, ...]:
    rules = move.clamps if move else []
    return tuple(Clamp(rule=rule, sentence=CLAMPS.get(rule, rule)) for rule in rules)


def _source(labels: dict[str, str], name: str, row: dict[str, object]) -> SourceRead:
    return SourceRead(
        label=labels.get(name, name),
        state=str(row.get("state", "")),
        why=str(row.get("why", "")),
        items=int(str(row.get("items", 0))),
        known=int(str(row.get("known", 0))),
    )


Opinions = dict[tuple[int, int], list[Opinion]]


def _reports(runs: Sequence[Run]) -> tuple[dict[int, list[Verdict]], Opinions]:
    verdicts: defaultdict[int, list[Verdict]] = defaultdict(list)
    opinions: defaultdict[tuple[int, int], list[Opinion]] = defaultdict(list)
    for row in Report.objects.filter(run__in=runs).order_by("seat"):
        verdicts[row.run_id].append(
            Verdict(
                seat=row.seat,
                reader=row.reader,
                sources=tuple(row.sources),
                kind=row.kind,
                word=WORDS[(row.delta_pico > 0) - (row.delta_pico < 0)],
                change_e8=_toward_zero(row.delta_pico, PICO_PER_E8),
                level_pico=None if row.level_pico is None else int(row.level_pico),
                confidence_e8=row.confidence_e8,
                stated_e8=row.stated_e8,
                impact=row.impact,
                notes=tuple(row.notes),
                summary=row.summary,
            )
        )
        for cluster, sign, confidence_e8, _ in row.marks:
            opinion = Opinion(seat=row.seat, word=WORDS[sign], confidence_e8=confidence_e8)
            opinions[row.run_id, cluster].append(opinion)
    return verdicts, opinions


def _evidence(runs: Sequence[Run]) -> dict[int, list[Evidence]]:
    clusters = {row[0] for run in runs for row in run.inputs.get("stories", [])}
    told: defaultdict[int, list[Evidence]] = defaultdict(list)
    rows = Evidence.objects.filter(cluster_id__in=clusters)
    for row in rows.order_by("cluster_id", "-is_head", "published_at", "id"):
        told[row.cluster_id].append(row)
    return told


def _stories(run: Run, told: dict[int, list[Evidence]], opinions: Opinions) -> list[Story]:
    """Return what a run read, with only those copies that were there when it read."""
    found = []
    for cluster, *_ in run.inputs.get("stories", []):
        copies = [
            row
            for row in told[cluster]
            if row.is_head or run.fetched_at is None or row.fetched_at <= run.fetched_at
        ]
        head = copies[0]
        links = {
            row.publisher: Link(
                url=safe_url(row.url),
                publisher=row.publisher,
                site=(urlsplit(row.url).hostname or "").removeprefix("www."),
            )
            for row in copies
        }
        found.append(
            Story(
                key=cluster,
                title=head.title,
                text=head.text,
                published_at=head.published_at,
                publishers=tuple(links),
                links=tuple(links.values()),
                opinions=tuple(opinions.get((run.pk, cluster), ())),
            )
        )
    return found


def _ratio_e8(part: int, whole: int) -> int:
    return _toward_zero(part * 10**8, whole) if whole else 0


def _toward_zero(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient
