"""Where readers ask the networks: the host's model process, or this very process in a command.

Facts are looked up once per round of reading. What is asked afterwards names the version that was
seen then, so that a process that came back with other weights is refused and not believed.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from exchange.errors import Unavailable

# A text, and what it is compared with where the question needs two.
Pair = tuple[str, str | None]


class ReaderAway(Unavailable):
    """The networks do not answer now. The run goes on with the readers it has."""

    code = "reader_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of a network that can be asked: what changes with its answers, its labels."""

    version: str
    labels: tuple[str, ...] = ()


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


class _Seen(threading.local):
    """The facts of this thread's last look, and under which switch they were seen."""

    facts: Mapping[str, Fact] | None = None
    count: int = -1


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
    """See again which networks can be asked: once before each round of reading."""
    _seen.facts, _seen.count = _switch.nets.facts(), _switch.count


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
    asked: list[Pair] = list(zip(texts, others, strict=True))
    return found.labels, _switch.nets.read(name, found.version, asked) if asked else []


def score(name: str, prompt: str, answers: Sequence[str]) -> list[int]:
    """Return the log-likelihood of each answer after the prompt, in millionths.

    Raises:  ReaderAway.
    """
    return _switch.nets.score(name, _needed(name).version, prompt, answers)


def write(name: str, prompt: str, tokens_max: int) -> str:
    """Return what the text model goes on with. Raises ReaderAway."""
    return _switch.nets.write(name, _needed(name).version, prompt, tokens_max)


def _needed(name: str) -> Fact:
    found = fact(name)
    if found is None:
        raise ReaderAway(f"nobody here runs {name}")
    return found
