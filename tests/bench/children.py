"""Programs beside a benchmark that are told and say lines of JSON."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import Any, Self

from django.conf import settings

from megatron import embedded


class Child:
    """A program of the benchmark that is told and says lines of JSON."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.words],
            cwd=settings.BASE_DIR,
            env=os.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=embedded.tied(signal.SIGTERM),  # noqa: PLW1509 (one system call)
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def tell(self, line: Any) -> None:
        """Send a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, Any]:
        """Wait for a line."""
        return self.said.get(timeout=seconds)

    def heard(self) -> list[dict[str, Any]]:
        """Return the lines that came since."""
        return [self.said.get_nowait() for _ in range(self.said.qsize())]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.said.put(json.loads(line))


def is_tick(line: dict[str, Any]) -> bool:
    """Tell what is said of ticks from the clock's own log."""
    return "done_ns" in line
