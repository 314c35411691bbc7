"""An early pytest plugin: a throw-away PostgreSQL and Valkey before Django's settings are read.

Each pytest process has a pair of its own, so that several runs can go on at once; the workers of
one parallel run share the pair under prefixes of their own. DATABASE_URL and REDIS_URL replace it.
"""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from megatron import embedded

_running: list[tuple[embedded.Embedded, int]] = []


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the pair and remove every trace of it."""
    while _running:
        servers, lock = _running.pop()
        servers.stop()
        _remove(servers.state)
        os.close(lock)


def _start() -> None:
    os.environ.setdefault("STATIC_STORAGE", "django.contrib.staticfiles.storage.StaticFilesStorage")
    os.environ["REDIS_PREFIX"] = f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    wants_postgres = "DATABASE_URL" not in os.environ
    wants_valkey = "REDIS_URL" not in os.environ
    if not wants_postgres and not wants_valkey:
        return
    home = embedded.state_dir() / "tests"
    home.mkdir(parents=True, exist_ok=True)
    state, lock = _claim(home)
    servers = embedded.Embedded(
        state, durable=False, postgres=wants_postgres, valkey=wants_valkey
    ).start()
    _running.append((servers, lock))
    os.environ.setdefault("DATABASE_URL", embedded.database_url(state))
    os.environ.setdefault("REDIS_URL", embedded.redis_url(state))
    os.environ.setdefault("STATIC_ROOT", str(state / "static"))


def _claim(home: Path) -> tuple[Path, int]:
    """Make a place of our own, and remove those of runs that were killed."""
    turn = _lock(home / "claiming", fcntl.LOCK_EX)
    try:
        for old in home.glob("run-*"):
            _remove_unused(old)
        state = home / f"run-{os.getpid()}"
        state.mkdir()
        return state, _lock(state / "in-use", fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(turn)


def _lock(path: Path, how: int) -> int:
    """Lock a file for as long as its descriptor, or this process, lives. Raises BlockingIOError."""
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
    except BlockingIOError:
        os.close(lock)
        raise
    return lock


def _remove_unused(state: Path) -> None:
    try:
        lock = _lock(state / "in-use", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _remove(state)
    os.close(lock)


def _remove(state: Path) -> None:
    shutil.rmtree(embedded.socket_dir(state), ignore_errors=True)
    shutil.rmtree(state, ignore_errors=True)


_start()
