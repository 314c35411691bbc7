"""One process reads for all workers: batched, bounded, and absent rather than wrong."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client

from megatron import processes
from oracle.analysts import nets, registry, wire
from oracle.analysts.away import Away
from oracle.analysts.nets import Fact, Pair, ReaderAway
from oracle.models import Run
from oracle.services import metrics
from oracle.services.model_process import ModelProcess
from oracle.services.replay import replay
from tests.fakes import tiny_models
from tests.oracle import world

FACTS = {"classifier": Fact(version="v1", labels=("negative", "positive"))}


class Slow:
    """Networks that answer with the length of a text, and remember what came together."""

    def __init__(self) -> None:
        self.readings: list[list[str]] = []
        self.hold = threading.Event()
        self.hold.set()

    def facts(self) -> Mapping[str, Fact]:
        return FACTS

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        self.readings.append([text for text, _ in pairs])
        self.hold.wait(5)
        if any(text == "bomb" for text, _ in pairs):
            raise ValueError(name, version)
        return [[len(text), 10**6 - len(text)] for text, _ in pairs]

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        return [-len(name + version + prompt + answer) for answer in answers]

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        return f"{name} {version} {prompt}"[:tokens_max]


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r.sock"


@pytest.fixture
def process(path: Path, slow: Slow) -> Iterator[ModelProcess]:
    made, stop = ModelProcess(path, slow, gather_s=0.05), threading.Event()
    thread = threading.Thread(target=made.serve, args=(stop,), daemon=True)
    thread.start()
    while not path.exists():
        time.sleep(0.005)
    yield made
    slow.hold.set()
    stop.set()
    thread.join(5)
    assert not path.exists()


def test_only_its_owner_may_use_the_socket(process: ModelProcess, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert Away(path).facts() == FACTS
    told = Away(path).state()
    assert told["pid"] == os.getpid()
    assert told["questions"] == process.tally.questions == 0


def test_two_workers_at_once_are_one_reading(process: ModelProcess, path: Path, slow: Slow) -> None:
    answers: dict[str, list[list[int]]] = {}
    slow.hold.clear()
    first = threading.Thread(target=lambda: Away(path).read("classifier", "v1", [("a", None)]))
    first.start()
    while not slow.readings:
        time.sleep(0.002)

    def ask(text: str) -> None:
        answers[text] = Away(path).read("classifier", "v1", [(text, None), (text * 2, None)])

    both = [threading.Thread(target=ask, args=(text,)) for text in ("bb", "ccc")]
    for thread in both:
        thread.start()
    time.sleep(0.1)
    slow.hold.set()
    for thread in (first, *both):
        thread.join(5)
    assert [sorted(one) for one in slow.readings] == [["a"], ["bb", "bbbb", "ccc", "cccccc"]]
    assert answers["bb"] == [[2, 10**6 - 2], [4, 10**6 - 4]]
    assert answers["ccc"] == [[3, 10**6 - 3], [6, 10**6 - 6]]
    assert (process.tally.readings, process.tally.questions) == (2, 3)


def test_it_scores_and_writes(process: ModelProcess, path: Path) -> None:
    assert process.tally.turns == 0
    away = Away(path)
    assert away.score("classifier", "v1", "p", ["x", "yy"]) == [-14, -15]
    assert away.write("classifier", "v1", "say", 13) == "classifier v1"
    pairs = [("t" * n, None) for n in range(1, 100)]
    assert [row[0] for row in away.read("classifier", "v1", pairs)] == list(range(1, 100))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x02{]",
        b"\x00\x00\x00\x04null",
        b"\x00\x00\xff\xff" + b"[" * 65_535,
    ],
)
def test_garbage_costs_its_sender_a_line_and_nobody_else(
    process: ModelProcess, path: Path, said: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
        line.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert b"answer" not in line.recv(1_000)
    assert Away(path).read("classifier", "v1", [("ok", None)])
    assert process.tally.questions == 1


@pytest.mark.parametrize(
    "change",
    [
        {"do": "run"},
        {"model": 1},
        {"pairs": []},
        {"pairs": [["a"]]},
        {"pairs": [["a", 1]]},
        {"pairs": [["a", None]] * (wire.TEXTS_MAX + 1)},
        {"pairs": [["a" * (wire.TEXT_CHARACTERS_MAX + 1), None]]},
        {"within_ms": 0},
        {"within_ms": True},
        {"within_ms": wire.WITHIN_MS_MAX + 1},
    ],
)
def test_a_question_out_of_bounds_is_refused(
    process: ModelProcess, path: Path, slow: Slow, change: dict[str, Any]
) -> None:
    asked = {"do": "read", "model": "classifier", "version": "v1", "within_ms": 1_000}
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        wire.send(line, {**asked, "pairs": [["a", None]], **change})
        assert wire.receive(line, 1_000) == {"error": "malformed"}
    assert slow.readings == []
    assert process.tally.turns == 0


def test_other_weights_than_were_seen_are_refused(process: ModelProcess, path: Path) -> None:
    with pytest.raises(ReaderAway, match="changed"):
        Away(path).read("classifier", "v2", [("a", None)])
    assert process.tally.readings == 0


def test_a_text_that_breaks_a_model_breaks_one_turn(process: ModelProcess, path: Path) -> None:
    with pytest.raises(ReaderAway, match="failed"):
        Away(path).read("classifier", "v1", [("bomb", None)])
    assert Away(path).read("classifier", "v1", [("a", None)])
    assert process.tally.readings == 2


def test_what_waited_too_long_is_not_read(process: ModelProcess, path: Path, slow: Slow) -> None:
    slow.hold.clear()
    first = threading.Thread(target=lambda: Away(path).read("classifier", "v1", [("a", None)]))
    first.start()
    while not slow.readings:
        time.sleep(0.002)
    threading.Timer(0.2, slow.hold.set).start()
    with pytest.raises(ReaderAway, match="late"):
        Away(path, within_ms=50).read("classifier", "v1", [("b", None)])
    first.join(5)
    assert slow.readings == [["a"]]
    assert process.tally.questions == 2


def test_nobody_there_is_a_reader_away(path: Path) -> None:
    assert Away(path).facts() == {}
    with pytest.raises(ReaderAway):
        Away(path).read("classifier", "v1", [("a", None)])
    path.touch()
    assert Away(path).state() == {}


class Dying:
    """A process that takes a question and dies before it answers."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.die, daemon=True).start()

    def die(self) -> None:
        models = {"classifier": {"version": "v1", "labels": ["negative", "positive"]}}
        asked = None
        while asked is None or asked["do"] == "facts":
            line, _ = self.listener.accept()
            with line:
                asked = wire.receive(line, wire.REQUEST_BYTES_MAX)
                if asked["do"] == "facts":
                    wire.send(line, {"answer": {"models": models}})
        self.listener.close()


PANEL = [
    {"seat": "tone", "reader": "classifier", "sources": ["wire"]},
    {"seat": "words", "reader": "lexicon", "sources": ["wire"]},
]


@pytest.mark.django_db
def test_a_process_that_dies_in_the_middle_is_a_seat_that_is_missing(
    path: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    Dying(path)
    with nets.using(Away(path)):
        run = world.run(world.oracle_market(panel=PANEL))
    assert run.state == Run.State.APPLIED
    assert run.detail["abstained"] == {"tone": "the reader classifier is away"}
    assert run.detail["away"] == ["tone"]
    assert set(run.versions["readers"]) == {"lexicon"}


class Even(Slow):
    """Networks without a leaning, so that only who answers makes a difference."""

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        if any("deadly" in text for text, _ in pairs):
            os.kill(os.getpid(), signal.SIGKILL)  # in the middle of a question
        return [[300_000, 700_000] for _ in pairs]


@contextlib.contextmanager
def child(path: Path) -> Iterator[None]:
    """Run the model process in a process of its own; kill it, as nothing else can be killed."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            ModelProcess(path, Even()).serve(threading.Event())
        os._exit(0)
    while not Away(path).state():
        time.sleep(0.01)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.django_db
def test_a_killed_process_is_missed_and_used_again_when_it_is_back(
    path: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire")
    market, runs = world.oracle_market(panel=PANEL), []
    with nets.using(Away(path)):
        for title in (world.GOOD, "Widgets are deadly", world.BAD):
            with child(path):
                assert "classifier" in registry.available()
                world.write(tmp_path, "wire", world.news(title))
                runs.append(world.run(market))
        assert path.exists()  # what a killed process leaves, and the next one replaces
        assert replay(runs[1]).is_identical
        with child(path):
            assert [replay(run).is_identical for run in runs] == [True] * 3
    assert [run.state for run in runs] == [Run.State.APPLIED] * 3
    readers = [set(run.versions["readers"]) for run in runs]
    assert readers == [{"classifier", "lexicon"}, {"lexicon"}, {"classifier", "lexicon"}]
    assert runs[1].detail["abstained"] == {"tone": "the reader classifier is away"}


@pytest.mark.nightly
def test_the_command_serves_real_networks_and_ends_when_told(path: Path, tmp_path: Path) -> None:
    (tmp_path / "classifier").mkdir()
    tiny_models.classifier(tmp_path / "classifier")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "readers", "--socket", str(path)],
        cwd=site.BASE_DIR,
        env={**os.environ, "ORACLE_MODELS_DIR": str(tmp_path), "ORACLE_RUNTIME": "onnx-int8"},
        stdout=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None and not Away(path).state():
            time.sleep(0.05)
        away = Away(path)
        (fact,) = away.facts().values()
        (row,) = away.read("classifier", fact.version, [("output surged", None)])
        assert sum(row) == pytest.approx(10**6, abs=2)
        assert away.state()["pid"] == process.pid
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert not path.exists()


LOADS = re.compile(
    r"from oracle\.analysts(\.(here|torch_nets|onnx_nets) import| import .*(here|torch_nets|onnx))"
)


def test_only_the_process_and_commands_can_load_networks() -> None:
    rooms = {
        path.parent.name
        for app in ("exchange", "oracle", "liquidity", "chain", "megatron")
        for path in (Path(site.BASE_DIR) / app).rglob("*.py")
        if LOADS.search(path.read_text())
    }
    assert rooms == {"analysts", "commands"}


def test_it_is_started_only_where_there_are_weights(tmp_path: Path, settings: Any) -> None:
    tiny_models.libraries()
    settings.ORACLE_MODELS_DIR = str(tmp_path)
    settings.ORACLE_MODE = "enabled"
    assert not processes.readers_wanted()
    (tmp_path / "nli").mkdir()
    (tmp_path / "nli" / "config.json").write_text("{}")
    assert processes.readers_wanted()
    part = processes.readers()
    assert (part.name, part.command[-1], part.once) == ("readers", "readers", False)
    settings.ORACLE_MODE = "disabled"
    assert not processes.readers_wanted()


def test_alarms_see_whether_it_answers(
    process: ModelProcess, path: Path, tmp_path: Path, settings: Any
) -> None:
    def figures() -> dict[str, float]:
        return {one.name: one.samples[0].value for one in metrics.Readers().collect()}

    settings.ORACLE_READERS_SOCKET = str(path)
    settings.ORACLE_MODELS_DIR = str(tmp_path)
    assert figures() == {}  # a host without weights misses nothing
    tiny_models.libraries()
    (tmp_path / "nli").mkdir()
    (tmp_path / "nli" / "config.json").write_text("{}")
    Away(path).read("classifier", "v1", [("a", None), ("b", None)])
    found = figures()
    assert found["megatron_readers_up"] == 1
    assert found["megatron_readers_texts"] == process.tally.texts == 2
    assert found["megatron_readers_rss_mib"] > 10
    settings.ORACLE_READERS_SOCKET = str(tmp_path / "nobody.sock")
    assert figures() == {"megatron_readers_up": 0}


@pytest.mark.django_db
def test_the_page_says_which_readers_were_away(
    path: Path, tmp_path: Path, settings: Any, client: Client
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    market = world.oracle_market(panel=PANEL)
    world.run(market)
    page = client.get(f"/markets/{market.slug}/oracle/").content.decode()
    assert "Away in the newest run: classifier." in page
    assert "tone gave no report: the reader classifier cannot run here." in page
    assert not path.exists()
