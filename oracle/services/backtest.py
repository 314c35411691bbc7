"""Play a market's oracle through a past period, each run as of its own moment.

A run is told nothing but what its sources give as of its moment, and the playing ends before
anything is judged. Nothing is stored and the market does not notice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from exchange import clock
from exchange.engines import variable
from exchange.engines.engine import Refusal
from exchange.engines.variable import oracle_event
from exchange.selectors.configs import config_of
from oracle.analysts.base import Brief, Number
from oracle.analysts.registry import READS_NUMBERS
from oracle.core import novelty
from oracle.core.quorum import Seat
from oracle.core.reports import Report
from oracle.models import OracleSpec, Source
from oracle.selectors import past
from oracle.services import calibrating, courses, fetching, numbers, reading, terms, texts
from oracle.services.hashing import digest_of
from oracle.services.shelf import Shelf
from oracle.services.steps import Step
from oracle.sources.base import Observed, SourceDown

STEPS_MAX = 20_000


@dataclass(slots=True)
class _Known:
    """What one run may know: stories by source and rank, numbers by source, how sources did."""

    seen: dict[str, list[int]] = field(default_factory=dict)
    numbers: dict[str, list[Observed]] = field(default_factory=dict)
    states: dict[str, dict[str, str]] = field(default_factory=dict)


def moments(start: datetime, end: datetime, step_s: int) -> Iterator[datetime]:
    """Return the moments of a period: its start is the first, its end the last possible."""
    at = start
    while at <= end:
        yield at
        at += timedelta(seconds=step_s)


def play(
    spec: OracleSpec,
    start: datetime,
    end: datetime,
    step_s: int,
    horizon_s: int = calibrating.HORIZON_S,
) -> Iterator[Step]:
    """Return every run of a period in order, each as it is played.

    F starts at the level of the number that was known then, else at the market's first price.

    Keeps:   the steps up to a moment do not depend on anything that came out after it.
    """
    return _Player(spec, horizon_s).steps(moments(start, end, step_s))


class _Player:
    """The state that runs hand on: stories told, stories spent, F and F at the day's start."""

    def __init__(self, spec: OracleSpec, horizon_s: int) -> None:
        self.horizon_s = horizon_s
        self.spec, self.config = spec, config_of(spec.market.config)
        self.mapping, _ = terms.level_of(spec)
        self.weights = terms.weights_of(spec)
        names = [row["source"] for row in spec.sources]
        self.rows = list(Source.objects.filter(name__in=names).order_by("name"))
        self.shelf, self.spent = Shelf(), set[int]()
        self.f_pico = self.f_day_pico = 0
        self.day: date | None = None
        self.past: list[Step] = []
        self.tables: reading.Tables = {}
        self.learnt_at: datetime | None = None
        self.cost_micro = courses.run_cost_micro(spec, self.rows)

    def steps(self, when: Iterator[datetime]) -> Iterator[Step]:
        for number, at in enumerate(when):
            known = self._known(at, number)
            if self.day is None:
                self.f_pico = self._level(known) or self.config.p0_init_pico
            today = at.astimezone(UTC).date()
            if today != self.day:
                self.day, self.f_day_pico = today, self.f_pico
            self._learn(at, known)
            self.past.append(self._step(at, known))
            yield self.past[-1]

    def _step(self, at: datetime, known: _Known) -> Step:
        started = clock.monotonic()
        chosen = novelty.choose(
            known.seen, self.spent, reading.STORIES_MAX, self._publishers(known)
        )
        told = {one: tuple(n for n in known.seen if one in known.seen[n]) for one in chosen}
        said = reading.ask_seats(
            self.spec,
            lambda seat: self._brief(seat, at, known, told),
            known.states,
            tables=self.tables,
        )
        made = said.made
        latency_ms = int((clock.monotonic() - started) * 1_000)
        before = self.f_pico
        applied = self._apply(made, known)
        if applied:
            self.spent |= set(chosen) - novelty.held(made)
        return Step(
            at=at,
            reports=tuple(made),
            told=told,
            applied=applied,
            before_pico=before,
            after_pico=self.f_pico,
            level_pico=self._level(known),
            latency_ms=latency_ms,
            cost_micro=self.cost_micro,
            versions=said.versions,
        )

    def _publishers(self, known: _Known) -> dict[int, str]:
        heads = {one: self.shelf.tales[one].head for rows in known.seen.values() for one in rows}
        return {one: texts.publisher_key(head.url, head.publisher) for one, head in heads.items()}

    def _learn(self, at: datetime, known: _Known) -> None:
        """Learn from the own past as a live market does, once a week, with what is out by now."""
        if self.learnt_at and at < self.learnt_at + calibrating.REFIT:
            return
        self.learnt_at = at
        out = [one for rows in known.numbers.values() for one in rows]
        levels = numbers.as_levels(self.mapping, out) if self.mapping else []
        labels = calibrating.labels_of(self.spec, self.past, levels, at, self.horizon_s)
        newest = set(self.past[-1].versions.items()) if self.past else set()
        fitted = {key[0]: calibrating.fit(labels[key]) for key in sorted(newest & labels.keys())}
        self.tables = {
            reader: one.points
            for reader, one in fitted.items()
            if one.method != calibrating.Method.IDENTITY
        }

    def _known(self, at: datetime, number: int) -> _Known:
        known = _Known()
        digest = digest_of(self.spec.market_id, number)
        for row in self.rows:
            try:
                self._ask(row, at, digest, known)
                known.states[row.name] = {"state": fetching.OK}
            except SourceDown as fault:
                known.states[row.name] = {"state": fetching.FAILED, "why": fault.message}
        return known

    def _ask(self, row: Source, at: datetime, digest: int, known: _Known) -> None:
        source = past.source_of(row, self.spec.market_id, len(self.spec.queries))
        if fetching.is_read_for(self.spec, row.name, numbers=True):
            series = str(self.spec.mapping.get("series", ""))
            known.numbers[row.name] = [
                one
                for one in source.observe(series, at - fetching.NUMBERS_SINCE, at)
                if one.released_at <= at
            ]
        if fetching.is_read_for(self.spec, row.name, numbers=False):
            items = fetching.items_about(self.spec, source, at, digest)
            places = [self.shelf.place(item, at) for item in items]
            known.seen[row.name] = [place for place in places if place is not None]

    def _brief(
        self, seat: Seat, at: datetime, known: _Known, told: Mapping[int, tuple[str, ...]]
    ) -> Brief:
        heads = {one: self.shelf.tales[one].head for one in told}
        return Brief(
            variable=reading.variable_of(self.spec),
            stories=tuple(
                reading.story_of(
                    one, heads[one], [n for n in names if n in seat.sources], self.weights
                )
                for one, names in told.items()
                if not set(names).isdisjoint(seat.sources)
            ),
            number=_newest(known, seat) if seat.reader in READS_NUMBERS else None,
            fundamental_pico=self.f_pico,
            floor_e8=self.config.conf_min_e8,
            as_of=at,
            sources=reading.answered(seat, known.states, self.weights),
        )

    def _apply(self, made: Sequence[Report], known: _Known) -> bool:
        """Let the engine's own rules turn the reports into the next F."""
        silent = reading.silent_among(list(self.weights), known.states)
        if silent and self.spec.fallback == OracleSpec.Fallback.HOLD:
            return False
        ordered = sorted(made, key=lambda report: report.seat)
        given = tuple(
            variable.Report(delta_pico=one.delta_pico, confidence_e8=one.confidence_e8)
            for one in ordered
        )
        try:
            read = oracle_event.read(self.config, given)
        except Refusal:
            return False
        self.f_pico, _ = oracle_event.filtered(self.config, self.f_pico, self.f_day_pico, read)
        return True

    def _level(self, known: _Known) -> int | None:
        every = [one for rows in known.numbers.values() for one in rows]
        if self.mapping is None or not every:
            return None
        newest = max(every, key=lambda one: (one.observed_at, one.released_at))
        level = self.mapping.level_pico(newest.value_pico)
        return level if level > 0 else None


def _newest(known: _Known, seat: Seat) -> Number | None:
    every = [one for name in seat.sources for one in known.numbers.get(name, [])]
    if not every:
        return None
    newest = max(every, key=lambda one: (one.observed_at, one.released_at))
    return Number(
        value_pico=newest.value_pico,
        observed_at=newest.observed_at,
        released_at=newest.released_at,
    )
