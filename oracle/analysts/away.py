"""The networks as workers see them: asked over a socket of the host's one model process.

Nothing is kept between questions. A process that is absent, slow or dies in the middle is a reader
that is away in this run; the next question finds it again as soon as it is back.
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
            told: dict[str, Any] = self._asked({"do": "facts"}, LOOK_MS)
        except ReaderAway:
            return {}
        return told

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        """Return the share of each label for each pair, in millionths. Raises ReaderAway."""
        found: list[list[int]] = []
        for first in range(0, len(pairs), wire.TEXTS_MAX):
            part = [list(pair) for pair in pairs[first : first + wire.TEXTS_MAX]]
            found += self._answer("read", name, version, pairs=part)
        return found

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer, in millionths. Raises ReaderAway."""
        found: list[int] = self._answer(
            "score", name, version, prompt=prompt, answers=list(answers)
        )
        return found

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        """Return what the text model goes on with. Raises ReaderAway."""
        return str(self._answer("write", name, version, prompt=prompt, tokens_max=tokens_max))

    def _answer(self, do: str, name: str, version: str, **more: Any) -> Any:
        asked = {"do": do, "model": name, "version": version, "within_ms": self._within_ms}
        return self._asked({**asked, **more}, self._within_ms)

    def _asked(self, question: dict[str, Any], within_ms: int) -> Any:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(within_ms / 1_000 + MARGIN_S)
            try:
                line.connect(str(self._path))
                wire.send(line, question)
                said = wire.receive(line, wire.ANSWER_BYTES_MAX)
            except (OSError, wire.Garbled) as error:
                raise ReaderAway(f"the model process: {type(error).__name__}") from error
        if not isinstance(said, dict) or "answer" not in said:
            why = said.get("error") if isinstance(said, dict) else "no answer"
            raise ReaderAway(f"the model process: {why}")
        return said["answer"]
