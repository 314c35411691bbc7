"""A run from its claim to the market's answer, and every way it can end without one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange import clock
from exchange.errors import Unavailable
from exchange.models import Command, LiveState, OracleMove
from oracle.core.reports import NOTE_FEW, NOTE_QUIET
from oracle.models import Evidence, Report, Run, Schedule, Source, SpentEvidence
from oracle.services import cycle, fetching, sweep
from oracle.services.replay import replay
from tests.oracle import world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return tmp_path


def test_good_news_lifts_f(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    before = world.fundamental(market)

    run = world.run(market)

    assert run.state == Run.State.APPLIED
    assert world.fundamental(market) > before
    move = OracleMove.objects.get(ref=run.ref)
    assert (int(move.fundamental_before_pico), int(move.fundamental_pico)) == (
        before,
        world.fundamental(market),
    )
    assert int(run.outcome["fundamental_pico"]) == world.fundamental(market)


def test_bad_news_lowers_f_as_far(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    world.archive(folder, "other", world.news(world.BAD))
    up, down = world.oracle_market("wire"), world.oracle_market("other")
    start = world.fundamental(up)

    world.run(up)
    world.run(down)

    assert world.fundamental(up) - start == start - world.fundamental(down) > 0


def test_the_same_story_twice_is_a_report_of_zero(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    world.run(market)
    moved_to = world.fundamental(market)

    second = world.run(market)

    report = Report.objects.get(run=second)
    assert (second.state, report.delta_pico, report.notes) == ("applied", 0, [NOTE_QUIET])
    assert world.fundamental(market) == moved_to
    assert second.sources["wire"]["known"] == 1


def test_a_copy_of_a_spent_story_is_spent(folder: Path) -> None:
    first = world.news(world.GOOD)
    world.archive(folder, "wire", first)
    market = world.oracle_market()
    world.run(market)
    copy = world.news(f"{world.GOOD} - Evening Post", publisher="Evening Post")
    world.write(folder, "wire", first, copy)

    second = world.run(market)

    assert Report.objects.get(run=second).delta_pico == 0
    assert Evidence.objects.values("cluster").distinct().count() == 1


def test_a_story_waits_until_most_sources_have_it_and_counts_once(folder: Path) -> None:
    names, story = ("one", "two", "three"), world.news(world.GOOD)
    for name in names:
        world.archive(folder, name)
    market = world.oracle_market(*names)
    start, notes = world.fundamental(market), []

    for teller in names:
        world.write(
            folder, teller, {**story, "publisher": teller, "url": f"https://{teller}.example/"}
        )
        before = world.fundamental(market)
        report = Report.objects.get(run=world.run(market))
        notes.append(report.notes)
        moved = world.fundamental(market) > before
        assert moved == (teller == "two")

    assert world.fundamental(market) > start
    assert [NOTE_FEW in one for one in notes] == [True, False, False]
    assert notes[-1] == [NOTE_QUIET]
    assert SpentEvidence.objects.count() == 1


def test_another_market_may_still_use_the_story(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    one, two = world.oracle_market(), world.oracle_market()
    world.run(one)
    world.run(two)
    assert world.fundamental(one) == world.fundamental(two)
    assert SpentEvidence.objects.count() == 2
    assert Evidence.objects.count() == 1


def test_no_news_is_an_event_without_change(folder: Path) -> None:
    world.archive(folder)
    market = world.oracle_market()
    before = LiveState.objects.get(market=market).state

    run = world.run(market)

    after = LiveState.objects.get(market=market).state
    assert run.state == Run.State.APPLIED
    assert after["f_pico"] == before["f_pico"]
    assert after["last_oracle_s"] >= before["last_oracle_s"]


def test_a_missing_quorum_leaves_f_and_backs_off(
    folder: Path, nothing_happened: Callable[[], AbstractContextManager[None]]
) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    Source.objects.create(name="dead", kind="archive", options={"file": "gone.jsonl"})
    panel = [
        {"seat": "a", "reader": "lexicon", "sources": ["wire"]},
        {"seat": "b", "reader": "lexicon", "sources": ["dead"]},
    ]
    market = world.oracle_market("wire", "dead", panel=panel, quorum=2)
    before = LiveState.objects.get(market=market).state

    with nothing_happened():
        run = world.run(market)

    assert (run.state, run.reason) == ("refused", "no_quorum")
    assert run.detail["numbers"] == {"reports": 1, "reports_min": 2, "silent": ["dead"]}
    assert run.detail["abstained"] == {"b": "none of its sources answered"}
    assert LiveState.objects.get(market=market).state == before
    assert not Command.objects.filter(key=run.ref).exists()
    assert not SpentEvidence.objects.exists()
    schedule = Schedule.objects.get(market=market)
    assert schedule.failures == 1
    assert (schedule.next_at - run.started_at).total_seconds() >= schedule.interval_s


def test_the_markets_own_refusal_is_kept(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market(parameters={"conf_min": "0.9"})
    # The floor of the report is the market's own, so that only a changed rule can refuse it.
    run = world.started(market)
    Run.objects.filter(pk=run.pk).update(state=Run.State.DECIDED)
    done = cycle.run_market(market.pk)
    assert done is not None
    assert (done.state, done.reason) == ("refused", "no_quorum")


def test_holding_waits_for_every_source(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    Source.objects.create(name="dead", kind="archive", options={"file": "gone.jsonl"})
    market = world.oracle_market("wire", "dead", fallback="hold")
    run = world.run(market)
    assert (run.state, run.reason) == ("refused", "source_down")


def test_a_dead_source_is_skipped_and_rests(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    Source.objects.create(name="dead", kind="archive", options={"file": "gone.jsonl"})
    market = world.oracle_market("wire", "dead")

    first = world.run(market)
    second = world.run(market)

    assert first.state == second.state == "applied"
    assert first.sources["dead"]["state"] == fetching.FAILED
    assert second.sources["dead"] == {
        "state": fetching.SKIPPED,
        "why": "rests after failures",
        "items": 0,
        "known": 0,
    }
    dead = Source.objects.get(name="dead")
    assert (dead.failures, bool(dead.retry_at)) == (1, True)


def test_a_broken_reader_silences_itself_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()

    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("oracle.analysts.lexicon.Lexicon.read", explode)
    run = world.run(market)
    assert (run.state, run.reason) == ("refused", "no_quorum")
    assert run.detail["abstained"] == {"words": "the reader failed: ZeroDivisionError"}


def test_our_own_mistake_ends_the_run_and_backs_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    monkeypatch.setitem(cycle.STEPS, Run.State.FETCHED, lambda _: 1 // 0)
    world.due(market)
    sweep.sweep()
    with pytest.raises(ZeroDivisionError):
        cycle.run_market(market.pk)
    run = Run.objects.get(market=market)
    assert (run.state, run.reason) == ("refused", "failed")
    assert Schedule.objects.get(market=market).failures == 1


def test_a_fault_of_the_world_leaves_the_run_to_the_next_worker(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    run = world.started(market)

    def busy(**_: object) -> None:
        raise Unavailable("the books cannot be reached", code="store_down")

    with monkeypatch.context() as patch:
        patch.setattr("exchange.services.commands.submit", busy)
        cycle.run_market(market.pk)
    run.refresh_from_db()
    assert (run.state, run.lease_until) == ("decided", None)

    done = cycle.run_market(market.pk)

    assert done is not None
    assert done.state == "applied"


def test_the_interval_shortens_after_a_move_and_grows_in_quiet(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    world.run(market)
    assert Schedule.objects.get(market=market).interval_s == 450
    world.run(market)
    assert Schedule.objects.get(market=market).interval_s == 562


def test_a_weight_below_the_floor_makes_a_source_inaudible(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market(sources=[{"source": "wire", "weight": "0.1"}])
    run = world.run(market)
    report = Report.objects.get(run=run)
    assert (report.delta_pico, report.notes) == (
        0,
        ["below the confidence floor", "stage 1 only"],
    )


def test_a_run_keeps_what_a_replay_needs(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD), world.news(world.BAD))
    market = world.oracle_market()
    run = world.run(market)
    assert len(run.inputs["stories"]) == 2
    assert set(run.versions) == {"spec", "readers", "code", "calibrations"}
    assert len(run.inputs_sha256) == len(run.reports_sha256) == 64
    assert replay(run).is_identical


def test_news_from_the_future_is_not_read(folder: Path) -> None:
    ahead = clock.now() + timedelta(hours=1)
    world.archive(folder, "wire", world.news(world.GOOD, at=ahead))
    run = world.run(world.oracle_market())
    assert run.inputs["stories"] == []
    assert not Evidence.objects.exists()
