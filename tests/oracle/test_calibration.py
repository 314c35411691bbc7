"""Calibration: of the past alone, nothing below 50 outcomes, and a replay keeps what it used."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from exchange import clock
from exchange.engines.units import RATE
from oracle.core import calibration
from oracle.core.outcomes import Released
from oracle.core.reports import NOTE_CALIBRATED, NOTE_UNSURE, Report
from oracle.models import Calibration, OracleSpec, Run
from oracle.services import calibrating
from oracle.services.calibrating import Label
from oracle.services.reading import EvidenceChanged
from oracle.services.replay import replay
from oracle.services.steps import Step
from tests.oracle import world

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY_S = 86_400
REPORT = Report(
    seat="words",
    reader="lexicon",
    sources=("wire",),
    kind="delta",
    delta_pico=10**10,
    confidence_e8=80_000_000,
    stated_e8=80_000_000,
)


def labels(count: int, hit_of: int, stated_e8: int = 80_000_000, each: int = 1) -> list[Label]:
    """Return claims over `count` outcomes of which every `hit_of`-th is wrong."""
    return [Label(stated_e8, n % hit_of > 0, outcome=n) for n in range(count) for _ in range(each)]


points = st.lists(
    st.tuples(st.integers(0, RATE), st.integers(0, RATE)), min_size=1, max_size=8
).map(lambda found: sorted(dict(found).items()))


@given(points, st.integers(0, RATE))
def test_what_is_shown_is_a_share_between_its_neighbours(found: Any, stated_e8: int) -> None:
    shown = calibration.shown_e8(found, stated_e8)
    assert min(y for _, y in found) <= shown <= max(y for _, y in found)
    assert calibration.shown_e8(calibration.IDENTITY, stated_e8) == stated_e8
    for x, y in found:
        assert calibration.shown_e8(found, x) == y


def test_a_claim_worth_less_than_the_floor_is_no_news() -> None:
    half = ((0, 0), (RATE, RATE // 2))
    kept = calibration.calibrated(REPORT, half, 40_000_000)
    assert (kept.confidence_e8, kept.stated_e8) == (40_000_000, 80_000_000)
    assert kept.notes == (NOTE_CALIBRATED,)
    assert kept.delta_pico == REPORT.delta_pico
    dropped = calibration.calibrated(REPORT, half, 40_000_001)
    assert (dropped.delta_pico, dropped.notes) == (0, (NOTE_UNSURE,))
    assert dropped.confidence_e8 >= 40_000_001
    quiet = replace(REPORT, delta_pico=0)
    assert calibration.calibrated(quiet, half, 0) == quiet
    mirrored = calibration.calibrated(replace(REPORT, delta_pico=-(10**10)), half, 0)
    assert mirrored.confidence_e8 == kept.confidence_e8


def test_below_fifty_outcomes_it_is_the_identity() -> None:
    few = calibrating.fit(labels(49, 2, each=40))
    assert (few.method, few.labels, few.claims) == ("identity", 49, 49 * 40)
    assert few.points == calibration.IDENTITY
    assert calibrating.fit([]).method == "identity"
    enough = calibrating.fit(labels(50, 2))
    assert enough.method == "platt"
    assert 45_000_000 < calibration.shown_e8(enough.points, 80_000_000) < 55_000_000


def test_an_outcome_weighs_as_one_however_many_claims_it_judged() -> None:
    alone = labels(100, 2)
    loud = [*alone, *(Label(80_000_000, True, outcome=1) for _ in range(500))]
    assert calibrating.fit(loud).labels == 100
    quiet, noisy = (
        calibration.shown_e8(calibrating.fit(found).points, 80_000_000) for found in (alone, loud)
    )
    assert abs(quiet - noisy) < 1_000_000


def test_more_confidence_never_shows_as_less() -> None:
    """Readers that are right where they doubt, and wrong where they are sure, gain nothing."""
    for count in (60, calibrating.ISOTONIC_MIN):
        upside_down = [
            Label(90_000_000 if n % 2 else 55_000_000, n % 2 == 0, outcome=n) for n in range(count)
        ]
        honest = [
            Label(90_000_000 if n % 2 else 55_000_000, n % 2 > 0 or n % 4 > 0, outcome=n)
            for n in range(count)
        ]
        for found in (upside_down, honest):
            shown = [y for _, y in calibrating.fit(found).points]
            assert shown == sorted(shown)
            assert calibrating.fit(found) == calibrating.fit(found)
            assert calibrating.fit(found).method == ("platt" if count == 60 else "isotonic")


def steps(count: int) -> list[Step]:
    """Return a run a day that always says up; F follows for real every other day."""
    found, price = [], 10**12
    for n in range(count):
        after = price + (10**9 if n % 2 else -(10**9))
        found.append(
            Step(
                at=START + timedelta(days=n),
                reports=(REPORT,),
                told={},
                applied=True,
                before_pico=price,
                after_pico=after,
                level_pico=None,
                latency_ms=0,
                versions={"lexicon": "v1"},
            )
        )
        price = after
    return found


def test_no_label_of_the_future_can_enter() -> None:
    spec, every = OracleSpec(kind="delta"), steps(80)
    until = START + timedelta(days=60)
    found = calibrating.labels_of(spec, every, [], until, DAY_S)
    assert found == calibrating.labels_of(spec, every[:61], [], until, DAY_S)
    assert len(found["lexicon", "v1"]) == 60  # the run of that very instant has no outcome yet
    level = OracleSpec(kind="level")
    numbers = [
        Released(
            released_s=int((START + timedelta(days=day)).timestamp()),
            observed_s=day,
            level_pico=2 * 10**12,
        )
        for day in range(0, 80, 10)
    ]
    now = calibrating.labels_of(level, every, numbers, until, DAY_S)
    assert now == calibrating.labels_of(level, every, numbers[:7], until, DAY_S)
    assert {label.outcome for label in now["lexicon", "v1"]} == {10, 20, 30, 40, 50, 60}


@pytest.mark.django_db
def test_a_replay_keeps_the_calibration_that_its_run_used(tmp_path: Path, settings: Any) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    spec = world.spec(market)
    plain = world.run(market)
    (before,) = plain.reports.all()
    version = plain.versions["readers"]["lexicon"]

    def learnt(count: int, hit_of: int) -> Calibration:
        fitted = calibrating.fit(labels(count, hit_of, before.stated_e8))
        made = calibrating._kept(spec, "lexicon", version, fitted, clock.now())
        assert made is not None
        return made

    learnt(49, 2)
    runs = []
    for count, hit_of in ((0, 0), (60, 3), (60, 2)):
        row = learnt(count, hit_of) if count else None
        # The same words of direction, and so the same stated confidence, in another story.
        title = f"{world.GOOD} of {hit_of} by {100 + hit_of} per cent"
        world.write(tmp_path, "wire", world.news(title))
        runs.append(world.run(market))
        assert runs[-1].inputs["calibrations"] == ({"lexicon": row.pk} if row else {})
    shown = [run.reports.get().confidence_e8 for run in runs]
    assert shown[0] == before.confidence_e8 == before.stated_e8
    assert shown[0] > shown[1] > shown[2]
    assert [run.reports.get().stated_e8 for run in runs] == [shown[0]] * 3
    assert all(replay(run).is_identical for run in (plain, *runs))
    learnt(80, 5)
    assert all(replay(run).is_identical for run in (plain, *runs))
    assert set(runs[1].versions["calibrations"]) == {"lexicon"}
    _spoil(runs[1])


def _spoil(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE oracle_calibration SET points = '[[0, 1]]'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    with pytest.raises(EvidenceChanged, match="calibration"):
        replay(run)


@pytest.mark.django_db
def test_a_market_learns_once_a_week_from_its_own_runs(tmp_path: Path, settings: Any) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    world.run(market)
    now = clock.now()
    assert calibrating.refit_due(now) == 1
    assert calibrating.refit_due(now + timedelta(days=6)) == 0
    assert calibrating.refit_due(now + timedelta(days=8)) == 1
    row = Calibration.objects.order_by("id").first()
    assert row is not None
    assert (row.method, row.labels, row.market_id) == ("identity", 0, market.pk)
    assert row.reader_version == Run.objects.get().versions["readers"]["lexicon"]
