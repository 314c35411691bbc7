"""A reader that says how much: a small text model scores the allowed answers.

What it writes besides is one sentence to be shown; no figure comes of it. It is asked only where
stage 1 says that something matters; else its seat gives the small report.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from operator import itemgetter
from pathlib import Path

from oracle.analysts import classifier, lexicon, nets, small, summary, weights
from oracle.analysts.base import Brief, Story
from oracle.core import scoring, sizing
from oracle.core.quorum import Seat
from oracle.core.reports import DELTA, NOTE_LARGE, NOTE_NEUTRAL, NOTE_UNSURE, Mark, Report

RULES = 4
NAME = "generator"
PROMPTS = Path(__file__).parent / "prompts"
DIRECTION, SIZE, SUMMARY = "direction-1.txt", "size-1.txt", "summary-1.txt"
DIRECTION_WORDS = ("rise", "fall", "no change")
SIZE_WORDS = ("0%", "0.5%", "1%", "2%", "5%", "10%")
STORIES_MAX = 5
STORY_CHARACTERS = 400
SUMMARY_TOKENS_MAX = 48
MILLION = 10**6


class Generator:
    """The text model of the configured size."""

    name = NAME

    @property
    def version(self) -> str:
        """Return the rules' number, the hash of weights and libraries, and that of the prompts."""
        seen = nets.version(model_name())
        first = classifier.Classifier() if nets.fact(classifier.NAME) else lexicon.Lexicon()
        body = "|".join((seen, *map(prompt, (DIRECTION, SIZE, SUMMARY)), first.version))
        return f"{NAME}-{RULES}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"

    def can_run(self) -> bool:
        """Return whether its network can be asked now."""
        return nets.fact(model_name()) is not None

    def read(self, seat: Seat, brief: Brief) -> Report:
        """Return the large report where stage 1 finds that something matters.

        Whoever tells the loudest story has no more voices for it: without a direction of most
        voices nothing is asked, and an answer against it is none.
        """
        marks = _stage_1(brief)
        impact, side = scoring.impact(marks), small.side(brief, marks)
        if impact < scoring.IMPACT_LARGE or not side:
            return small.report(NAME, seat, brief, marks)
        made = _sized(brief)
        if made.sign != side:
            made = replace(made, sign=0, delta_pico=0)
        notes = (NOTE_LARGE,) if made.sign else (NOTE_LARGE, NOTE_NEUTRAL)
        sure = made.confidence_e8 >= brief.floor_e8
        if made.sign and not sure:
            notes = (NOTE_LARGE, NOTE_UNSURE)
        quiet_e8 = max(scoring.QUIET_E8, brief.floor_e8)
        return Report(
            seat=seat.name,
            reader=NAME,
            sources=seat.sources,
            kind=DELTA,
            delta_pico=made.delta_pico if sure else 0,
            confidence_e8=made.confidence_e8 if made.sign and sure else quiet_e8,
            stated_e8=made.confidence_e8,
            impact=impact,
            notes=notes,
            marks=tuple(marks),
            summary=_summary(brief),
        )


def model_name() -> str:
    """Return the model of the configured size."""
    return weights.text_model()


@cache
def prompt(file: str) -> str:
    """Return a versioned prompt. A change is a new file with a new number."""
    return (PROMPTS / file).read_text(encoding="utf-8")


def _stage_1(brief: Brief) -> list[Mark]:
    if nets.fact(classifier.NAME):
        return classifier.marks(brief)
    return lexicon.marks(brief)


def _sized(brief: Brief) -> sizing.Sized:
    """Ask for the direction and the size.

    What the model would answer about no news at all is taken off its answer about the direction:
    a liking for one word is no news.
    """
    name = model_name()
    question, told = brief.variable.question, envelope(brief.stories)
    here = nets.score(name, _asked(DIRECTION, question, told), DIRECTION_WORDS)
    empty = nets.score(name, _asked(DIRECTION, question, envelope(())), DIRECTION_WORDS)
    directions = _shares([one - usual for one, usual in zip(here, empty, strict=True)])
    sizes = _shares(nets.score(name, _asked(SIZE, question, told), SIZE_WORDS))
    return sizing.sized(directions, sizes)


def _summary(brief: Brief) -> str:
    """Return a sentence about the stories that may be shown, or nothing. It decides nothing."""
    asked = _asked(SUMMARY, brief.variable.question, envelope(brief.stories))
    written = nets.write(model_name(), asked, SUMMARY_TOKENS_MAX)
    read = [_flat(f"{one.title}. {one.text}") for one in _top(brief.stories)]
    return summary.kept(written, read, prompt(SUMMARY))


def envelope(stories: Sequence[Story]) -> str:
    """Return the stories as numbered data. Their text cannot close what holds it."""
    lines = [
        f"<story {n}>{_flat(f'{story.title}. {story.text}')}</story {n}>"
        for n, story in enumerate(_top(stories), 1)
    ]
    return "\n".join(lines) or "<story 1>nothing</story 1>"


def _top(stories: Sequence[Story]) -> list[Story]:
    """Return the first story of each publisher, then the others, as many as a prompt holds."""
    before: Counter[str] = Counter()
    turns = []
    for story in stories:
        turns.append((before[story.publisher], story))
        before[story.publisher] += 1
    return [story for _, story in sorted(turns, key=itemgetter(0))][:STORIES_MAX]


def _asked(file: str, question: str, told: str) -> str:
    # Not by format: braces in a text are text.
    return prompt(file).replace("[QUESTION]", _flat(question), 1).replace("[STORIES]", told, 1)


def _flat(text: str) -> str:
    calm = text.translate(str.maketrans("<>[]", "()()"))
    return " ".join(calm.split())[:STORY_CHARACTERS]


def _shares(scores: Sequence[int]) -> list[int]:
    """Return log-likelihoods (millionths) as shares that add up to about a million."""
    best = max(scores)
    powers = [math.exp((one - best) / MILLION) for one in scores]
    return [round(power / sum(powers) * MILLION) for power in powers]
