"""The host's one process with weights in it: takes questions of all workers, answers in turns.

A turn takes whatever came within a millisecond. Questions to one classifier are one reading,
the same text once; what stands beside a text never shows in its answer (oracle/analysts/passes.py).
"""

import contextlib
import os
import queue
import resource
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from exchange import clock
from oracle.analysts import runtimes, weights, wire
from oracle.analysts.nets import Fact, Nets, Pair

GATHER_S = 0.001
TURN_TEXTS_MAX = 256
WAITING_MAX = 128
LINES_MAX = 64
# Whoever connects and then says nothing, or too slowly, is let go.
HEARING_S = 5.0
LOOK_S = 5.0
BUSY, LATE, CHANGED, FAILED = "busy", "late", "changed", "failed"

log = structlog.get_logger()


@dataclass(slots=True)
class Question:
    """One worker's question, and where its answer goes."""

    do: str
    model: str
    version: str
    due: float
    pairs: list[Pair] = field(default_factory=list)
    prompt: str = ""
    answers: list[str] = field(default_factory=list)
    tokens_max: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    said: dict[str, Any] = field(default_factory=lambda: {"error": FAILED})


@dataclass(slots=True)
class Tally:
    """What the process has done since it started."""

    questions: int = 0
    turns: int = 0
    readings: int = 0
    texts: int = 0


class ModelProcess:
    """Listens on a socket that only its owner may use, until it is told to stop."""

    def __init__(self, path: Path, nets: Nets, *, gather_s: float = GATHER_S) -> None:
        self._path, self._nets, self._gather_s = path, nets, gather_s
        self._facts: dict[str, Fact] = dict(nets.facts())
        self._waiting: queue.Queue[Question] = queue.Queue(WAITING_MAX)
        self._lines = threading.BoundedSemaphore(LINES_MAX)
        self._over = threading.Event()
        self.tally = Tally()

    def serve(self, stop: threading.Event, look: Callable[[], bool] = lambda: True) -> None:
        """Answer until `stop` is set, or until `look`, asked every few seconds, returns False."""
        listener = _listener(self._path)
        threading.Thread(target=self._listen, args=(listener,), daemon=True).start()
        try:
            looked = clock.monotonic()
            while not stop.is_set():
                turn = self._gathered()
                if turn:
                    self._take(turn)
                if clock.monotonic() - looked > LOOK_S:
                    looked = clock.monotonic()
                    if not look():
                        return
        finally:
            self._over.set()
            listener.close()
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    def _listen(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            try:
                line, _ = listener.accept()
            except OSError:
                return  # the listener was closed
            if self._lines.acquire(blocking=False):
                threading.Thread(target=self._hear, args=(line,), daemon=True).start()
            else:
                line.close()

    def _hear(self, line: socket.socket) -> None:
        """Take one question from a line and send its answer."""
        with line:
            try:
                line.settimeout(HEARING_S)
                asked = wire.receive(line, wire.REQUEST_BYTES_MAX)
                wire.send(line, self._said(asked))
            except (OSError, wire.Garbled) as fault:
                log.info("oracle.readers_line_dropped", why=str(fault)[:80])
            finally:
                self._lines.release()

    def _said(self, asked: Any) -> dict[str, Any]:
        if asked == {"do": "facts"}:
            return {"answer": self.state()}
        question = _question(asked)
        if question is None:
            return {"error": "malformed"}
        try:
            self._waiting.put_nowait(question)
        except queue.Full:
            return {"error": BUSY}
        question.done.wait(question.due - clock.monotonic() + HEARING_S)
        return question.said

    def state(self) -> dict[str, Any]:
        """Return the models with their versions, and how the process does."""
        return {
            "pid": os.getpid(),
            "rss_mib": _rss_mib(),
            "questions": self.tally.questions,
            "turns": self.tally.turns,
            "readings": self.tally.readings,
            "texts": self.tally.texts,
            "models": {
                name: {
                    "version": fact.version,
                    "labels": list(fact.labels),
                    "runtime": fact.runtime,
                }
                for name, fact in self._facts.items()
            },
        }

    def _gathered(self) -> list[Question]:
        """Return the questions of the next turn: the first, and what follows close behind it."""
        with contextlib.suppress(queue.Empty):
            turn = [self._waiting.get(timeout=0.2)]
            until = clock.monotonic() + self._gather_s
            while sum(len(one.pairs) or 1 for one in turn) < TURN_TEXTS_MAX:
                left = until - clock.monotonic()
                try:
                    turn.append(
                        self._waiting.get(timeout=left) if left > 0 else _now(self._waiting)
                    )
                except queue.Empty:
                    break
            return turn
        return []

    def _take(self, turn: Sequence[Question]) -> None:
        self.tally.turns += 1
        self.tally.questions += len(turn)
        readings: defaultdict[str, list[Question]] = defaultdict(list)
        for question in turn:
            fact = self._facts.get(question.model)
            if fact is None or fact.version != question.version:
                _answer(question, {"error": CHANGED})
            elif question.due < clock.monotonic():
                _answer(question, {"error": LATE})
            elif question.do == "read":
                readings[question.model].append(question)
            else:
                self._text(question)
        for model, asked in readings.items():
            self._read(model, asked)

    def _read(self, model: str, asked: Sequence[Question]) -> None:
        """Read the texts of several questions at once; each gets its own part."""
        pairs = [pair for question in asked for pair in question.pairs]
        self.tally.readings += 1
        self.tally.texts += len(pairs)
        try:
            rows = iter(self._nets.read(model, asked[0].version, pairs))
        except Exception as fault:  # one bad text or model may not end the process
            log.exception("oracle.reading_failed", model=model, error=type(fault).__name__)
            for question in asked:
                _answer(question, {"error": FAILED})
            return
        for question in asked:
            _answer(question, {"answer": [next(rows) for _ in question.pairs]})

    def _text(self, question: Question) -> None:
        model, version, prompt = question.model, question.version, question.prompt
        try:
            if question.do == "score":
                found: Any = self._nets.score(model, version, prompt, question.answers)
            else:
                found = self._nets.write(model, version, prompt, question.tokens_max)
        except Exception as fault:
            log.exception("oracle.reading_failed", model=model, error=type(fault).__name__)
            _answer(question, {"error": FAILED})
        else:
            _answer(question, {"answer": found})


def unchanged() -> Callable[[], bool]:
    """Return what says whether weights, and how they run, are still those of this call."""
    names = [name for name in ("classifier", "nli", weights.text_model()) if weights.can_load(name)]

    def now() -> list[object]:
        found: list[object] = [weights.can_load(name) and weights.stamp(name) for name in names]
        runs = [runtimes.of(name, is_text=name == weights.text_model()) for name in names]
        return [*found, *runs]

    before = now()
    return lambda: now() == before


def _listener(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, for its owner alone from its first instant.

    It gets its name when it listens, so that nobody who sees it is refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(fresh))
    finally:
        os.umask(before)
    listener.listen(LINES_MAX)
    fresh.replace(path)
    return listener


def _question(asked: Any) -> Question | None:
    """Return a question that has exactly the form of one, else nothing."""
    if not isinstance(asked, dict):
        return None
    do, within_ms = asked.get("do"), asked.get("within_ms")
    if type(within_ms) is not int or not 0 < within_ms <= wire.WITHIN_MS_MAX:
        return None
    if not _texts([asked.get("model"), asked.get("version")], 2):
        return None
    made = Question(
        do=str(do),
        model=asked["model"],
        version=asked["version"],
        due=clock.monotonic() + within_ms / 1_000,
    )
    return made if _filled(made, asked) else None


def _filled(made: Question, asked: dict[str, Any]) -> bool:
    """Put in what the kind of question has; return whether all of it is there and in bounds."""
    if made.do == "read":
        pairs = asked.get("pairs")
        if not isinstance(pairs, list) or not 0 < len(pairs) <= wire.TEXTS_MAX:
            return False
        made.pairs = [(pair[0], pair[1]) for pair in pairs if _is_pair(pair)]
        return len(made.pairs) == len(pairs)
    if not _texts([asked.get("prompt")], 1):
        return False
    made.prompt = asked["prompt"]
    if made.do == "score":
        answers = asked.get("answers")
        made.answers = list(answers) if _texts(answers, wire.ANSWERS_MAX) and answers else []
        return bool(made.answers)
    most = asked.get("tokens_max")
    made.tokens_max = most if type(most) is int and 0 < most <= wire.TOKENS_MAX else 0
    return made.do == "write" and bool(made.tokens_max)


def _is_pair(pair: Any) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2  # noqa: PLR2004 (a pair)
        and _texts([pair[0]], 1)
        and (pair[1] is None or _texts([pair[1]], 1))
    )


def _texts(found: Any, most: int) -> bool:
    return (
        isinstance(found, list)
        and len(found) <= most
        and all(isinstance(one, str) and len(one) <= wire.TEXT_CHARACTERS_MAX for one in found)
    )


def _answer(question: Question, said: dict[str, Any]) -> None:
    question.said = said
    question.done.set()


def _now(waiting: "queue.Queue[Question]") -> Question:
    return waiting.get_nowait()


def _rss_mib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20
