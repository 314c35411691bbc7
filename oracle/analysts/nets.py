"""Where readers ask the networks: the host's model process, or this very process in a command.

Facts are looked up once per round of reading. What is asked afterwards names the version that was
seen then, so that a process that came back with other weights is refused and not believed. Texts
may be handed in ahead, to be read while their asker does something else.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from exchange.errors import Unavailable

# A text, and what it is compared with where the question needs two.
Pair = tuple[str, str | None]


class ReaderAway(Unavailable):
    """The networks do not answer now. The run goes on with the readers it has."""

    code = "reader_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of a network that can be asked: what changes with its answers, its labels.

    `runtime` is how it is run, told for people alone: it is part of the version.
    """

    version: str
    labels: tuple[str, ...] = ()
    runtime: str = ""


class Nets(Protocol):
    """Something that runs networks. The same question under the same version has one answer."""

    def facts(self) -> Mapping[str, Fact]:
        """Return the networks that can be asked now; none where nobody answers."""
        ...

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        """Return the share of each label for each pair, in millionths. Raises ReaderAway."""
        ...

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer, in millionths. Raises ReaderAway."""
        ...

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        """Return what the text model goes on with, word by likeliest word. Raises ReaderAway."""
        ...


class Pending(Protocol):
    """A question that was asked and whose answer is still to come."""

    def collect(self) -> list[list[int]]:
        """Return the answer, waiting for it; once. Raises ReaderAway."""
        ...

    def close(self) -> None:
        """Give the answer up."""
        ...


@runtime_checkable
class Elsewhere(Protocol):
    """Networks of another process, which reads while this one goes on."""

    def begin(self, name: str, version: str, pairs: Sequence[Pair]) -> Pending:
        """Ask as `Nets.read` does, and do not wait. Raises ReaderAway."""
        ...


class Nobody:
    """No networks at all: what a process has before anybody says otherwise."""

    def facts(self) -> Mapping[str, Fact]:
        """Return nothing."""
        return {}

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        """Refuse."""
        raise ReaderAway(f"nobody here runs {name} for {len(pairs)} texts of {version}")

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        """Refuse."""
        raise ReaderAway(f"nobody here runs {name} {version} for {len(prompt)}, {len(answers)}")

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        """Refuse."""
        raise ReaderAway(f"nobody here runs {name} {version} for {len(prompt)}, {tokens_max}")


@dataclass(slots=True)
class _Switch:
    nets: Nets = field(default_factory=Nobody)
    count: int = 0


@dataclass(slots=True)
class _Ahead:
    """Texts that were handed in ahead, and their answers once somebody wanted one."""

    name: str
    version: str
    texts: Sequence[str]
    pending: Pending
    answers: dict[str, list[int]] | None = None

    def collected(self) -> dict[str, list[int]]:
        """Return the answer to each text; none where nothing came, so that it is asked again."""
        if self.answers is None:
            self.answers = {}
            with suppress(ReaderAway):
                self.answers = dict(zip(self.texts, self.pending.collect(), strict=True))
        return self.answers


class _Seen(threading.local):
    """The facts of this thread's last look, under which switch, and what it handed in ahead."""

    facts: Mapping[str, Fact] | None = None
    count: int = -1
    ahead: _Ahead | None = None


_switch, _seen = _Switch(), _Seen()


def use(nets: Nets) -> Nets:
    """Let readers ask `nets` from now on; return what they asked before."""
    before, _switch.nets = _switch.nets, nets
    _switch.count += 1
    return before


@contextmanager
def using(nets: Nets) -> Iterator[None]:
    """Let readers ask `nets` for a while."""
    before = use(nets)
    try:
        yield
    finally:
        use(before)


def look() -> None:
    """See again which networks can be asked: once before each round of reading.

    A round that began ahead keeps to what it saw then.
    """
    if _seen.ahead is None or _seen.count != _switch.count:
        _seen.facts, _seen.count = _switch.nets.facts(), _switch.count


def ahead(name: str, texts: Sequence[str]) -> None:
    """Let a network of another process begin with texts that this round will probably ask about.

    Keeps:   answers are the same as without; a text that nobody asks about costs time alone.
    """
    forget()
    look()
    found, nets = fact(name), _switch.nets
    if found and texts and isinstance(nets, Elsewhere):
        with suppress(ReaderAway):
            pending = nets.begin(name, found.version, [(text, None) for text in texts])
            _seen.ahead = _Ahead(name, found.version, list(texts), pending)


def forget() -> None:
    """End the round that began ahead; answers that were not asked for are given up."""
    if _seen.ahead is not None:
        _seen.ahead.pending.close()
        _seen.ahead = None


def fact(name: str) -> Fact | None:
    """Return what the last look saw of a network, or nothing."""
    if _seen.facts is None or _seen.count != _switch.count:
        look()
    return (_seen.facts or {}).get(name)


def version(name: str) -> str:
    """Return the version that the last look saw."""
    found = fact(name)
    return found.version if found else "absent"


def read(
    name: str, texts: Sequence[str], pairs: Sequence[str] | None = None
) -> tuple[tuple[str, ...], list[list[int]]]:
    """Return the labels and, for each text (with its pair), their shares in millionths.

    Raises:  ReaderAway.
    """
    found = _needed(name)
    others: Sequence[str | None] = [None] * len(texts) if pairs is None else pairs
    early = _early(name, found.version) if pairs is None else {}
    asked = [pair for pair in zip(texts, others, strict=True) if pair[0] not in early]
    rest = iter(_switch.nets.read(name, found.version, asked) if asked else [])
    return found.labels, [early[text] if text in early else next(rest) for text in texts]


def score(name: str, prompt: str, answers: Sequence[str]) -> list[int]:
    """Return the log-likelihood of each answer after the prompt, in millionths.

    Raises:  ReaderAway.
    """
    return _switch.nets.score(name, _needed(name).version, prompt, answers)


def write(name: str, prompt: str, tokens_max: int) -> str:
    """Return what the text model goes on with. Raises ReaderAway."""
    return _switch.nets.write(name, _needed(name).version, prompt, tokens_max)


def _early(name: str, version: str) -> Mapping[str, list[int]]:
    """Return the answers to what was handed in ahead to this network in this version."""
    one = _seen.ahead
    return one.collected() if one and (one.name, one.version) == (name, version) else {}


def _needed(name: str) -> Fact:
    found = fact(name)
    if found is None:
        raise ReaderAway(f"nobody here runs {name}")
    return found
