"""The networks as workers see them: asked over a socket of the host's one model process.

Nothing is kept between questions. A process that is absent, slow or dies in the middle is a reader
that is away in this run; the next question finds it again as soon as it is back. A question that is
asked ahead holds its line until the answer is wanted.
"""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oracle.analysts import wire
from oracle.analysts.nets import Fact, Pair, ReaderAway

LOOK_MS = 1_000
WITHIN_MS = 30_000
# Beyond the server's own patience, so that it is the server that says "late".
MARGIN_S = 1.0


class Away:
    """Asks whoever listens on the socket."""

    def __init__(self, path: Path, within_ms: int = WITHIN_MS) -> None:
        self._path, self._within_ms = path, within_ms

    def facts(self) -> Mapping[str, Fact]:
        """Return what the process offers; nothing where none answers."""
        return {
            name: Fact(version=row["version"], labels=tuple(row["labels"]))
            for name, row in self.state().get("models", {}).items()
        }

    def state(self) -> dict[str, Any]:
        """Return what the process tells of itself; nothing where none answers."""
        if not self._path.exists():
            return {}
        try:
            told: dict[str, Any] = Line(self._path, {"do": "facts"}, LOOK_MS).collect()
        except ReaderAway:
            return {}
        return told

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        """Return the share of each label for each pair, in millionths. Raises ReaderAway."""
        found: list[list[int]] = []
        for first in range(0, len(pairs), wire.TEXTS_MAX):
            found += self.begin(name, version, pairs[first : first + wire.TEXTS_MAX]).collect()
        return found

    def begin(self, name: str, version: str, pairs: Sequence[Pair]) -> "Line":
        """Ask about at most TEXTS_MAX texts and do not wait. Raises ReaderAway."""
        return self._sent("read", name, version, pairs=[list(pair) for pair in pairs])

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer, in millionths. Raises ReaderAway."""
        asked = self._sent("score", name, version, prompt=prompt, answers=list(answers))
        found: list[int] = asked.collect()
        return found

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        """Return what the text model goes on with. Raises ReaderAway."""
        asked = self._sent("write", name, version, prompt=prompt, tokens_max=tokens_max)
        return str(asked.collect())

    def _sent(self, do: str, name: str, version: str, **more: Any) -> "Line":
        asked = {"do": do, "model": name, "version": version, "within_ms": self._within_ms}
        return Line(self._path, {**asked, **more}, self._within_ms)


class Line:
    """One question on its way, and the line its answer comes back on."""

    def __init__(self, path: Path, question: dict[str, Any], within_ms: int) -> None:
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(within_ms / 1_000 + MARGIN_S)
        try:
            self._line.connect(str(path))
            wire.send(self._line, question)
        except OSError as error:
            self.close()
            raise _gone(error) from error

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def collect(self) -> Any:
        """Return the answer, waiting for it, and hang up. Raises ReaderAway."""
        with self._line as line:
            try:
                said = wire.receive(line, wire.ANSWER_BYTES_MAX)
            except (OSError, wire.Garbled) as error:
                raise _gone(error) from error
        if not isinstance(said, dict) or "answer" not in said:
            why = said.get("error") if isinstance(said, dict) else "no answer"
            raise ReaderAway(f"the model process: {why}")
        return said["answer"]


def _gone(error: Exception) -> ReaderAway:
    return ReaderAway(f"the model process: {type(error).__name__}")
