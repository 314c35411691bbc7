"""A reader of entailment: whether the text implies that the variable rises, or that it falls."""

from oracle.analysts import nets, small
from oracle.analysts.base import Brief
from oracle.analysts.classifier import E8_OF_MILLIONTH, LEAN_MIN, told
from oracle.core.quorum import Seat
from oracle.core.reports import Mark, Report

RULES = 2
NAME = "nli"
ENTAILS = "entail"
# One word apart, so that what a network likes about the form is in both and goes out again.
FORM = 'This text implies that what "{question}" asks about {moves}.'
MOVES = ("rises", "falls")


class Nli:
    """Any classifier of pairs that has a label of entailment."""

    name = NAME

    @property
    def version(self) -> str:
        """Return the rules' number and the hash of weights and libraries."""
        return f"{NAME}-{RULES}-{nets.version(NAME)}"

    def can_run(self) -> bool:
        """Return whether its network can be asked now."""
        return nets.fact(NAME) is not None

    def read(self, seat: Seat, brief: Brief) -> Report:
        """Return the small report over the seat's stories, both questions in one batch."""
        return small.report(NAME, seat, brief, _marks(brief))


def questions(question: str) -> list[str]:
    """Return what is asked of each text: that the variable rises, that it falls."""
    return [FORM.format(question=question, moves=moves) for moves in MOVES]


def _marks(brief: Brief) -> list[Mark]:
    texts = [told(story) for story in brief.stories]
    asked = questions(brief.variable.question)
    labels, shares = nets.read(
        NAME,
        [text for text in texts for _ in asked],
        [question for _ in texts for question in asked],
    )
    place = next(n for n, label in enumerate(labels) if label.startswith(ENTAILS))
    implied = [row[place] for row in shares]
    found = []
    for story, rises, falls in zip(brief.stories, implied[::2], implied[1::2], strict=True):
        lean = rises - falls
        sign = 0 if abs(lean) < LEAN_MIN else (lean > 0) - (lean < 0)
        found.append(small.mark(story, brief.variable.keywords, sign, abs(lean) * E8_OF_MILLIONTH))
    return found
