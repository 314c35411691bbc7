"""A reader of tone: a sentiment model's p(positive), turned into the market's direction."""

from collections.abc import Sequence
from typing import Protocol

from oracle.analysts import lexicon, nets, small
from oracle.analysts.base import Brief, Variable
from oracle.core.quorum import Seat
from oracle.core.reports import Mark, Report

RULES = 1
NAME = "classifier"
# Nearer to even than this is neutral: the model has no word for it.
LEAN_MIN = 300_000
E8_OF_MILLIONTH = 100
READ_CHARACTERS = 600


class Worded(Protocol):
    """Whatever has a title and a text: a story, or news that is no story yet."""

    @property
    def title(self) -> str:
        """The headline."""
        ...

    @property
    def text(self) -> str:
        """What follows it."""
        ...


class Classifier:
    """Any sequence classifier whose labels begin with positive and negative, or 1 and 0."""

    name = NAME

    @property
    def version(self) -> str:
        """Return the rules' number and the hash of weights and libraries."""
        return f"{NAME}-{RULES}-{nets.version(NAME)}"

    def can_run(self) -> bool:
        """Return whether its network can be asked now."""
        return nets.fact(NAME) is not None

    def read(self, seat: Seat, brief: Brief) -> Report:
        """Return the small report over the seat's stories, read in one batch."""
        return small.report(NAME, seat, brief, marks(brief))


def marks(brief: Brief) -> list[Mark]:
    """Return what the model makes of each story."""
    texts = [told(story) for story in brief.stories]
    labels, rows = nets.read(NAME, texts)
    leans = [_lean(labels, shares) for shares in rows]
    return [
        small.mark(story, brief.variable.keywords, *_direction(text, lean, brief.variable))
        for story, text, lean in zip(brief.stories, texts, leans, strict=True)
    ]


def ahead(news: Sequence[Worded]) -> None:
    """Let the network begin with what `marks` will probably be asked about."""
    nets.ahead(NAME, [told(one) for one in news])


def told(story: Worded) -> str:
    """Return a story as readers with weights see it."""
    return f"{story.title}. {story.text}".strip()[:READ_CHARACTERS]


def _direction(text: str, lean: int, variable: Variable) -> tuple[int, int]:
    """Return the direction: the market's own words decide it, else tone times polarity."""
    named = lexicon.named(text, variable)
    if named is not None:
        return named
    if abs(lean) < LEAN_MIN or not variable.polarity:
        return 0, 0
    return (variable.polarity if lean > 0 else -variable.polarity), abs(lean) * E8_OF_MILLIONTH


def _lean(labels: Sequence[str], shares: Sequence[int]) -> int:
    """Return p(positive) - p(negative) in millionths; other labels hold both back."""
    good = sum(s for label, s in zip(labels, shares, strict=True) if _is(label, "pos", "1"))
    bad = sum(s for label, s in zip(labels, shares, strict=True) if _is(label, "neg", "0"))
    return max(-(10**6), min(10**6, good - bad))


def _is(label: str, start: str, number: str) -> bool:
    return label.startswith(start) or label == f"label_{number}"
