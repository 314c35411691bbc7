"""The networks as workers see them: asked over a socket of the host's one model process.

What it answers is believed only in the form that was asked for: anything else is an absent reader.
Nothing is kept between questions. A process that is absent, slow or dies in the middle is a reader
that is away in this run; the next question finds it again as soon as it is back. A question that is
asked ahead holds its line until the answer is wanted.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oracle.analysts import wire
from oracle.analysts.nets import Fact, Pair, ReaderAway

LOOK_MS = 1_000
WITHIN_MS = 30_000
# Beyond the server's own patience, so that it is the server that says "late".
MARGIN_S = 1.0
SHARE_MAX = 10**6
SCORE_MAX = 10**12
CHARACTERS_MAX = 10_000


class Away:
    """Asks whoever listens on the socket."""

    def __init__(self, path: Path, within_ms: int = WITHIN_MS) -> None:
        self._path, self._within_ms = path, within_ms

    def facts(self) -> Mapping[str, Fact]:
        """Return what the process offers; nothing where none answers."""
        models = self.state().get("models", {})
        if not isinstance(models, dict) or not all(map(_is_fact, models.values())):
            return {}
        return {
            name: Fact(version=row["version"], labels=tuple(row["labels"]))
            for name, row in models.items()
        }

    def state(self) -> dict[str, Any]:
        """Return what the process tells of itself; nothing where none answers."""
        if not self._path.exists():
            return {}
        try:
            line = Line(self._path, {"do": "facts"}, LOOK_MS, lambda said: isinstance(said, dict))
            told: dict[str, Any] = line.collect()
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
        told = [list(pair) for pair in pairs]
        return self._sent("read", name, version, lambda said: _are_shares(said, told), pairs=told)

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer, in millionths. Raises ReaderAway."""
        told = {"prompt": prompt, "answers": list(answers)}
        asked = self._sent("score", name, version, lambda said: _are_scores(said, answers), **told)
        found: list[int] = asked.collect()
        return found

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        """Return what the text model goes on with. Raises ReaderAway."""
        told = {"prompt": prompt, "tokens_max": tokens_max}
        written: str = self._sent("write", name, version, _is_text, **told).collect()
        return written

    def _sent(self, do: str, name: str, version: str, form: "Form", **more: Any) -> "Line":
        asked = {"do": do, "model": name, "version": version, "within_ms": self._within_ms}
        return Line(self._path, {**asked, **more}, self._within_ms, form)


Form = Callable[[Any], bool]


def _is_fact(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("version"), str):
        return False
    labels = row.get("labels")
    return isinstance(labels, list) and all(isinstance(label, str) for label in labels)


def _are_shares(said: Any, pairs: Sequence[object]) -> bool:
    return (
        isinstance(said, list)
        and len(said) == len(pairs)
        and all(isinstance(row, list) and row for row in said)
        and all(type(one) is int and 0 <= one <= SHARE_MAX for row in said for one in row)
    )


def _are_scores(said: Any, answers: Sequence[object]) -> bool:
    return (
        isinstance(said, list)
        and len(said) == len(answers)
        and all(type(one) is int and abs(one) <= SCORE_MAX for one in said)
    )


def _is_text(said: Any) -> bool:
    return isinstance(said, str) and len(said) <= CHARACTERS_MAX


class Line:
    """One question on its way, and the line its answer comes back on."""

    def __init__(self, path: Path, question: dict[str, Any], within_ms: int, form: Form) -> None:
        """Ask; `form` says whether an answer is one. Raises ReaderAway."""
        self._form = form
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
        if not self._form(said["answer"]):
            raise ReaderAway("the model process: an answer of another form")
        return said["answer"]


def _gone(error: Exception) -> ReaderAway:
    return ReaderAway(f"the model process: {type(error).__name__}")
