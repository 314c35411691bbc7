"""How near a proposed market is to those that exist: pure comparison of words."""

from collections.abc import Iterable
from dataclasses import dataclass

from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from liquidity.core.words import stems, trigrams

# From here on a request has to say how it differs, and from there on no words help.
NEAR_E8 = 45_000_000
SAME_E8 = 80_000_000
DIFFERS_MIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a market is about, in the words that are compared."""

    label: str
    name: str
    question: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A market or a request that is near, and how near."""

    label: str
    similarity_e8: int


def similarity(one: Subject, other: Subject) -> int:
    """Return how alike two subjects are: the nearest of their names and of their whole words.

    Units:   1e-8 of 1; 1 is the same.
    Rounds:  down.
    Keeps:   the order of the two does not matter.
    """
    names = _shared(trigrams(one.name), trigrams(other.name))
    whole = _shared(_whole(one), _whole(other))
    return max(names, whole)


def matches(subject: Subject, others: Iterable[Subject]) -> list[Match]:
    """Return those that are near, the nearest first."""
    found = [Match(label=other.label, similarity_e8=similarity(subject, other)) for other in others]
    near = [match for match in found if match.similarity_e8 >= NEAR_E8]
    return sorted(near, key=lambda match: (-match.similarity_e8, match.label))


def too_near(found: list[Match], differs: str) -> bool:
    """Return whether a request must be refused for what it is near to.

    It may be near where it says how it differs, and never the same.
    """
    if any(match.similarity_e8 >= SAME_E8 for match in found):
        return True
    return bool(found) and len(differs.strip()) < DIFFERS_MIN


def _whole(subject: Subject) -> frozenset[str]:
    return stems(f"{subject.name} {subject.question}")


def _shared(one: frozenset[str], other: frozenset[str]) -> int:
    """Return the part of all members that both have (Jaccard)."""
    union = len(one | other)
    return div_floor(len(one & other) * RATE, union) if union else 0
