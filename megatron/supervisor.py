"""Runs the site's processes as children: prefixes their output, restarts the dead, stops them all.

Every child is tied to this process by the kernel, so that not even a kill leaves one behind.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from exchange import clock
from megatron.embedded import ROOT, tied

GRACE_S = 5.0
BACKOFF_S_FIRST = 0.5
BACKOFF_S_MAX = 30.0
# Who ran this long was well: its next death counts as the first again.
WELL_AFTER_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of process of the site and how it is started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    # A part that is done when it ends well, unlike one that serves for ever.
    once: bool = False


@dataclass(slots=True)
class Child:
    """A part as it runs: its process, when that began, and how often it died in a row."""

    part: Part
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0
    done: bool = False

    @property
    def pid(self) -> int | None:
        """Return the process number while it runs."""
        return self.process.pid if self.process else None


class Supervisor:
    """A handful of children, looked after by whoever calls `look` again and again."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._width = 0
        self.children: dict[str, Child] = {}

    def add(self, part: Part) -> None:
        """Start a part and look after it from now on.

        Call it from the main thread only: the kernel ties a child to the thread that started it.
        """
        assert threading.current_thread() is threading.main_thread()
        self._width = max(self._width, len(part.name))
        self.children[part.name] = Child(part)
        self._start(self.children[part.name])

    def look(self) -> list[str]:
        """Restart what died, each after a pause that doubles; return what ended well just now."""
        return [child.part.name for child in self.children.values() if self._look_at(child)]

    def restart(self, name: str) -> None:
        """Stop a part in good order and let the next look start it again."""
        child = self.children.get(name)
        if child and child.process:
            child.process.terminate()

    def stop(self) -> None:
        """Ask every child to end; kill those that still run after the grace."""
        running = [c.process for c in self.children.values() if c.process]
        for process in running:
            process.terminate()
        deadline = clock.monotonic() + GRACE_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - clock.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.children.clear()

    def _look_at(self, child: Child) -> bool:
        if child.done:
            return False
        if child.process is None:
            if clock.monotonic() >= child.due:
                self._start(child)
            return False
        code = child.process.poll()
        if code is None:
            return False
        child.process = None
        if child.part.once:
            child.done = True
            return code == 0
        self._plan_restart(child, code)
        return False

    def _plan_restart(self, child: Child, code: int) -> None:
        now = clock.monotonic()
        child.deaths = 0 if now - child.started > WELL_AFTER_S else child.deaths
        pause = min(BACKOFF_S_MAX, BACKOFF_S_FIRST * 2**child.deaths)
        child.deaths += 1
        child.due = now + pause
        self._say(f"{child.part.name} ended ({_how(code)}); starting it again in {pause:g} s")

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 (the commands are our own)
            list(child.part.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.part.environment},
            # Ctrl-C reaches this process alone, which then stops the others in order.
            start_new_session=True,
            preexec_fn=tied(signal.SIGKILL),  # noqa: PLW1509 (one call to the kernel, no lock)
        )
        child.started = clock.monotonic()
        assert child.process.stdout is not None
        threading.Thread(
            target=self._relay, args=(child.part.name, child.process.stdout), daemon=True
        ).start()

    def _relay(self, name: str, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                sys.stdout.write(f"{name:<{self._width}} | {text}\n")
                sys.stdout.flush()


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
