import os
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from megatron import binaries, embedded


@pytest.fixture
def state() -> Iterator[Path]:
    """Return a folder whose owner may be anybody; pytest's own are closed to the servers' user."""
    with tempfile.TemporaryDirectory(prefix="mg-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_the_secret_is_made_once_and_is_its_owners(state: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda _: embedded.secret_key(state), range(32)))

    assert len(seen) == 1
    assert len(seen.pop()) >= 50
    assert stat.S_IMODE((state / "secret.key").stat().st_mode) == 0o600
    assert list(state.iterdir()) == [state / "secret.key"]


def test_state_goes_where_it_is_told(monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    monkeypatch.setenv("MEGATRON_STATE", str(state / "here"))

    assert embedded.state_dir() == state / "here"


def test_a_long_path_gets_a_short_socket(state: Path) -> None:
    deep = state / ("x" * 100)

    short = embedded.socket_dir(deep)

    assert len(str(short / ".s.PGSQL.5432.lock")) < embedded.SOCKET_PATH_BYTES_MAX
    assert short != embedded.socket_dir(state / ("y" * 100))


def test_a_stale_lock_is_removed(state: Path) -> None:
    lock = state / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n/elsewhere\n")

    embedded._clear_stale_lock(state)

    assert not lock.exists()


def test_a_folder_of_somebody_else_is_refused(state: Path) -> None:
    trap = state / "trap"
    trap.symlink_to(state)

    with pytest.raises(binaries.NotStarted, match="belongs to somebody else"):
        embedded._own(trap)


@pytest.mark.fault
def test_servers_revive_and_stop(state: Path) -> None:
    with embedded.Embedded(state, durable=False) as servers:
        processes = [server.process for server in servers.servers]
        for process in processes:
            process.kill()
            process.wait()

        assert sorted(servers.revive()) == ["postgres", "valkey"]
        assert servers.revive() == []
        revived = [server.process for server in servers.servers]

    assert all(process.poll() is not None for process in revived)
