import sys
import time
from collections.abc import Callable, Iterator

import pytest

from megatron.supervisor import BACKOFF_S_FIRST, Part, Supervisor
from tests.patience import PATIENCE_S

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
IGNORING = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
DEAF = [sys.executable, "-S", "-c", f"{IGNORING}; time.sleep(60)"]


@pytest.fixture
def said() -> list[str]:
    """Return what the supervisor has told."""
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    """Return a supervisor that is stopped whatever happens."""
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.stop()


def _until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _again(supervisor: Supervisor, name: str, old: int | None) -> bool:
    supervisor.look()
    return supervisor.children[name].pid not in {old, None}


def test_starts_again_what_died(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.add(Part(name="sleeper", command=SLEEP))
    child = supervisor.children["sleeper"]
    first = child.pid
    assert child.process is not None
    child.process.kill()

    _until(lambda: _again(supervisor, "sleeper", first))

    assert said == [f"sleeper ended (signal SIGKILL); starting it again in {BACKOFF_S_FIRST} s"]


def test_waits_longer_after_each_death(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.add(Part(name="mayfly", command=[sys.executable, "-S", "-c", "raise SystemExit(3)"]))

    _until(lambda: supervisor.look() or len(said) >= 3)

    assert [words.rpartition(" in ")[2] for words in said] == ["0.5 s", "1 s", "2 s"]
    assert "code 3" in said[0]


def test_a_part_that_is_done_is_left_alone(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.add(Part(name="errand", command=[sys.executable, "-S", "-c", ""], once=True))

    ended: list[str] = []

    def done() -> bool:
        ended.extend(supervisor.look())
        return bool(ended)

    _until(done)

    assert ended == ["errand"]
    assert supervisor.look() == []
    assert said == []


def test_stops_even_who_does_not_listen(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("megatron.supervisor.GRACE_S", 0.3)
    supervisor.add(Part(name="deaf", command=DEAF))
    process = supervisor.children["deaf"].process
    assert process is not None
    _until(lambda: "deaf" in capfd.readouterr().out)

    supervisor.stop()

    assert process.poll() == -9
