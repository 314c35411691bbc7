"""The readers die under the supervisor: one run does without them, the next has them again."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from megatron import processes
from megatron.supervisor import Part, Supervisor
from oracle.analysts import nets
from oracle.analysts.away import Away
from oracle.models import Run
from oracle.services.replay import replay
from tests.fakes import tiny_models
from tests.oracle import world
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db

PANEL = [
    {"seat": "tone", "reader": "classifier", "sources": ["wire"]},
    {"seat": "words", "reader": "lexicon", "sources": ["wire"]},
]
# The process of the site with networks that need no library: it starts in a second.
LIGHT = """
import pathlib, sys, threading, django
django.setup()
from oracle.services.model_process import ModelProcess
from tests.oracle.test_model_process import Slow
ModelProcess(pathlib.Path(sys.argv[1]), Slow()).serve(threading.Event())
"""


def light(path: Path, _folder: Path) -> Part:
    return Part(name=processes.READERS, command=[sys.executable, "-c", LIGHT, str(path)])


def whole(path: Path, folder: Path) -> Part:
    """The site's own part, with weights of the real kind."""
    (folder / "classifier").mkdir()
    tiny_models.classifier(folder / "classifier")
    assert processes.readers_wanted()
    part = processes.readers()
    where = {"ORACLE_MODELS_DIR": str(folder), "ORACLE_READERS_SOCKET": str(path)}
    return Part(name=part.name, command=part.command, environment={**part.environment, **where})


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor(lambda _words: None)
    yield made
    made.stop()


def until(done: Callable[[], object], supervisor: Supervisor) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        supervisor.look()
        time.sleep(0.02)


@pytest.mark.parametrize("part", [light, pytest.param(whole, marks=pytest.mark.nightly)])
def test_a_killed_part_is_missed_seen_and_back(
    tmp_path: Path, settings: Any, supervisor: Supervisor, part: Callable[[Path, Path], Part]
) -> None:
    path = tmp_path / "r.sock"
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    settings.ORACLE_MODELS_DIR = str(tmp_path)
    world.archive(tmp_path, "wire")
    market, away, runs = world.oracle_market(panel=PANEL), Away(path), list[Run]()

    def run(title: str) -> None:
        world.write(tmp_path, "wire", world.news(title))
        runs.append(world.run(market))

    nobody_looks = Supervisor(print)
    supervisor.add(part(path, tmp_path))
    until(away.state, supervisor)
    with nets.using(away):
        first = away.state()["pid"]
        run(world.GOOD)
        os.kill(first, signal.SIGKILL)
        until(lambda: not away.state(), nobody_looks)
        run("Widgets are deadly")
        until(away.state, supervisor)
        run(world.BAD)
        assert away.state()["pid"] not in (first, os.getpid())
        assert [replay(one).is_identical for one in runs] == [True] * 3
    assert [one.state for one in runs] == [Run.State.APPLIED] * 3
    missing = {"tone": "the reader classifier cannot run here"}
    assert [one.detail["abstained"] for one in runs] == [{}, missing, {}]
    assert [one.detail["away"] for one in runs] == [[], ["tone"], []]
