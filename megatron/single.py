"""Lets one supervisor at a time run on a state directory, and tells a second one where it is."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another supervisor holds the lock; the message says which and where."""


@contextmanager
def only_one(state: Path) -> Iterator[Callable[[str], None]]:
    """Hold the state's lock, and yield what notes the address for those who come later.

    The lock belongs to the open file, so it ends with this process however that ends: a file left
    behind by a killed one locks nobody out. Raises AlreadyRunning.
    """
    state.mkdir(parents=True, exist_ok=True)
    lock = os.open(state / "up.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(_who(lock)) from error
        _write(lock, f"{os.getpid()}")

        def note(address: str) -> None:
            _write(lock, f"{os.getpid()} {address}")

        yield note
    finally:
        os.close(lock)


def _who(lock: int) -> str:
    pid, _, address = os.pread(lock, 200, 0).decode(errors="replace").strip().partition(" ")
    place = f"at {address}" if address else "and is starting"
    return f"Megatron already runs here {place} (process {pid}); stop that one first"


def _write(lock: int, text: str) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, text.encode(), 0)
