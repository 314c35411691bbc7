"""Runs a module of the site on a clock that a file moves: `late.py FILE MODULE WORDS...`.

The file says by how many seconds; the sign-in library's own clock goes with it.
"""

import contextlib
import runpy
import sys
import time
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any


class Moved:
    """Stands where the clock keeps its shift."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.own: ContextVar[int] = ContextVar("own", default=0)
        self.set, self.reset = self.own.set, self.own.reset

    def get(self) -> int:
        """Return the shift in seconds."""
        return self.own.get() + self.seconds()

    def seconds(self) -> int:
        """Return what the file says; nothing while it is not there."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self.file.read_text())
        return 0

    def time(self) -> float:
        """Return seconds since the epoch, as `time.time` does."""
        return time.time() + self.get()


def move(moved: Moved, patch: Any = setattr) -> None:
    """Let this process live by a moved clock."""
    # only now is the framework set up
    from allauth.account.internal.flows import login, reauthentication  # noqa: PLC0415

    from exchange import clock  # noqa: PLC0415 (likewise)

    patch(clock, "_shift_s", moved)
    late = ModuleType("time")
    late.time = moved.time  # type: ignore[attr-defined]
    for module in (login, reauthentication):
        patch(module, "time", late)


if __name__ == "__main__":
    import django

    django.setup()
    move(Moved(Path(sys.argv[1])))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
