"""Texts are read while they are stored: the same answers, each asked once, and nothing lost."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange import clock
from oracle.analysts import nets, passes
from oracle.analysts.away import Away
from oracle.models import Run
from oracle.services import cycle, evidence, leases
from oracle.services.model_process import ModelProcess
from oracle.services.replay import replay
from oracle.sources.archive import Archive
from tests.oracle import world
from tests.oracle.test_model_process import FACTS, PANEL, Slow
from tests.patience import PATIENCE_S

TITLES = (world.GOOD, "Widgets are dearer at harbours", "Widget makers hire")


class Watched(Slow):
    """Networks without a leaning, which break as often as they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: list[str] = []

    def read(self, name: str, version: str, pairs: Any) -> list[list[int]]:
        if self.refuses and self.refuses.pop():
            self.readings.append([])
            raise ValueError(name, version)
        super().read(name, version, pairs)
        return [[300_000, 700_000] for _ in pairs]


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def away(tmp_path: Path, watched: Watched, settings: Any) -> Iterator[Away]:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    path, stop = tmp_path / "r.sock", threading.Event()
    made = ModelProcess(path, watched)
    thread = threading.Thread(target=made.serve, args=(stop,), daemon=True)
    thread.start()
    while not path.exists():
        time.sleep(0.005)
    with nets.using(Away(path)):
        yield Away(path)
    watched.hold.set()
    stop.set()
    thread.join(5)


def told(title: str) -> str:
    return f"{title}."


@pytest.mark.django_db
def test_news_is_read_while_it_is_stored_and_only_once(
    tmp_path: Path, away: Away, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.archive(tmp_path, "wire", *map(world.news, TITLES))
    begun: list[list[list[str]]] = []
    store = evidence.store_drafts

    def slowly(*args: Any, **named: Any) -> Any:
        until = time.monotonic() + PATIENCE_S
        while not watched.readings and time.monotonic() < until:
            time.sleep(0.002)
        begun.append(list(watched.readings))
        return store(*args, **named)

    monkeypatch.setattr(evidence, "store_drafts", slowly)
    run = world.run(world.oracle_market(panel=PANEL))
    assert run.state == Run.State.APPLIED
    assert [sorted(one) for one in begun[0]] == [sorted(map(told, TITLES))]
    assert watched.readings == begun[0]
    assert away.state()["questions"] == 1
    assert run.detail["away"] == []
    assert replay(run).is_identical
    assert len(watched.readings) == 2


@pytest.mark.django_db
def test_what_was_not_handed_in_is_asked_besides(
    tmp_path: Path, away: Away, watched: Watched
) -> None:
    world.archive(tmp_path, "wire", world.news(TITLES[0]))
    first = world.started(world.oracle_market(panel=PANEL))
    assert away.state()["questions"] == 0
    evidence.store([_item(tmp_path)], until=clock.now())
    done = cycle.run_to_end(first.pk)
    assert done is not None
    assert done.state == Run.State.APPLIED
    # The head of the story was stored before by another market: no news is handed in for it.
    assert watched.readings == [[told(TITLES[0])]]


def _item(folder: Path) -> Any:
    now = clock.now()
    (item,) = Archive({"file": "wire.jsonl"}).fetch("widgets", now - timedelta(days=1), now, 5)
    assert folder.is_dir()
    return item


@pytest.mark.django_db
def test_a_reading_that_failed_ahead_is_asked_again(
    tmp_path: Path, away: Away, watched: Watched
) -> None:
    assert away.state()["questions"] == 0
    watched.refuses = ["once"]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    run = world.run(world.oracle_market(panel=PANEL))
    assert run.detail["away"] == []
    assert watched.readings == [[], [told(world.GOOD)]]


@pytest.mark.django_db
def test_nobody_who_reads_tone_means_nothing_is_handed_in(
    tmp_path: Path, away: Away, watched: Watched
) -> None:
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    run = world.run(world.oracle_market())
    assert run.state == Run.State.APPLIED
    assert watched.readings == []
    assert away.state()["questions"] == 0


def test_other_networks_than_were_asked_ahead_are_asked_themselves(
    away: Away, watched: Watched
) -> None:
    nets.ahead("classifier", ["a", "b"])
    nets._seen.facts = {"classifier": nets.Fact(version="v2", labels=FACTS["classifier"].labels)}
    with pytest.raises(nets.ReaderAway, match="changed"):
        nets.read("classifier", ["a"])
    nets.forget()
    nets.look()
    assert nets.read("classifier", ["a"])[1] == [[300_000, 700_000]]
    assert away.state()["questions"] == 3
    assert watched.readings[-1] == ["a"]


@pytest.mark.django_db
def test_a_young_lease_is_kept_without_writing(
    tmp_path: Path, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire")
    run = leases.take(world.started(world.oracle_market()).pk)
    assert run is not None
    with django_assert_num_queries(0):
        leases.keep(run)
    Run.objects.filter(pk=run.pk).update(attempt=run.attempt + 1)
    with clock.shifted(int(leases.YOUNG.total_seconds()) + 1), pytest.raises(leases.LeaseLost):
        leases.keep(run)


class Crossing:
    """A network of which each pass waits until another has begun, and the later ends first."""

    keeps_rows_apart = False

    def __init__(self) -> None:
        self.both = threading.Barrier(2)

    def logits(self, ids: list[list[int]], mask: list[list[int]]) -> list[list[float]]:
        self.both.wait(5)
        time.sleep(0.02 / len(ids[0]))
        return [[float(sum(row))] for row, _ in zip(ids, mask, strict=True)]


def test_passes_run_side_by_side_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    passes._cores.cache_clear()
    texts = [[n] * n for n in (4, 2, 3, 1)]
    assert passes.answers(Crossing(), texts, pad=0, longest=64) == [[16.0], [4.0], [9.0], [1.0]]
    passes._cores.cache_clear()
