"""A reader of words: a maintained lexicon, finance words of our own, and the market's own words.

The market's own direction words decide first: falling unemployment is good news and a falling
market. Where they are silent, the tone of the text times the market's polarity decides.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version as installed
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from exchange.engines.units import RATE
from oracle.analysts import finance_words, small
from oracle.analysts.base import Brief, Story, Variable
from oracle.core import scoring
from oracle.core.quorum import Seat
from oracle.core.reports import Mark, Report

RULES = 1

# Figures found on the training part of a set of labelled headlines, never on the part kept back.
GENERAL_SHARE = 0.3
MOVE_STRENGTH = 2.0
TONE_MIN_E8 = 15_000_000
CONFIDENCE_MAX_E8 = 95_000_000
WORDS_E8 = (0, 60_000_000, 75_000_000)

READ_CHARACTERS = 400
BURDEN_BEFORE, BURDEN_AFTER = 6, 4
SUBJECT_REACH = 4

AROUND_WORDS = ".,;:!?'\"()[]{}`*_\u201c\u201d\u2018\u2019"

UP, DOWN = "UP", "DOWN"
# Stand-ins for words of movement after it is known whether the movement is good or bad.
GAIN, HARM = "zzgain", "zzharm"

MOVE_OF = {word: sign for up, down in finance_words.pairs() for word, sign in ((up, 1), (down, -1))}
BURDENS = frozenset(finance_words.BURDENS.split())


class Lexicon:
    """The reader that is always there: no weights, no network, the same on every machine."""

    name = "lexicon"

    @property
    def version(self) -> str:
        """Return the rules' number and a hash of every word list that counts."""
        return _version()

    def can_run(self) -> bool:
        """Return that it can: it needs nothing but its lists."""
        return True

    def read(self, seat: Seat, brief: Brief) -> Report:
        """Return the small report of stage 1 over the seat's stories."""
        return small.report(self.name, seat, brief, marks(brief))


def marks(brief: Brief) -> list[Mark]:
    """Return what the words say of each story."""
    return [_mark(story, brief.variable) for story in brief.stories]


def _mark(story: Story, variable: Variable) -> Mark:
    text = f"{story.title}. {story.text}"[:READ_CHARACTERS]
    tokens = [_bare(word) for word in text.split()]
    sign, confidence_e8 = direction(text, variable)
    mark = Mark(
        cluster=story.cluster,
        sign=sign,
        confidence_e8=confidence_e8,
        keyword=any(_places(tokens, word.lower().split()) for word in variable.keywords),
    )
    return scoring.weighted(mark, story.weight_e8)


def direction(text: str, variable: Variable) -> tuple[int, int]:
    """Return where the text sends the variable (-1, 0, 1) and the confidence in 1e-8."""
    by_name = named(text, variable)
    if by_name is not None:
        return by_name
    tone_e8 = tone(text)
    if abs(tone_e8) < TONE_MIN_E8 or not variable.polarity:
        return 0, 0
    sign = variable.polarity if tone_e8 > 0 else -variable.polarity
    return sign, min(abs(tone_e8), CONFIDENCE_MAX_E8)


def named(text: str, variable: Variable) -> tuple[int, int] | None:
    """Return what the market's own direction words say, or nothing where they are silent."""
    tokens = [_bare(word) for word in text.split()]
    rises = sum(_says(tokens, phrase) for phrase in variable.rise_words)
    falls = sum(_says(tokens, phrase) for phrase in variable.fall_words)
    if not rises and not falls:
        return None
    net = rises - falls
    return (net > 0) - (net < 0), WORDS_E8[min(abs(net), len(WORDS_E8) - 1)]


def tone(text: str) -> int:
    """Return how good the news is, from -1 to 1 in 1e-8."""
    scores: dict[str, float] = _general().polarity_scores(_marked(text))
    return round(scores["compound"] * RATE)


def _marked(text: str) -> str:
    """Return the text with words of movement replaced by whether the movement is good or bad."""
    shown = text.split()
    tokens = [_bare(word) for word in shown]
    for n, token in enumerate(tokens):
        move = MOVE_OF.get(token, 0)
        if move:
            near = tokens[max(0, n - BURDEN_BEFORE) : n] + tokens[n + 1 : n + 1 + BURDEN_AFTER]
            good = move > 0
            if not BURDENS.isdisjoint(near):
                good = not good
            shown[n] = GAIN if good else HARM
    return " ".join(shown)


def _says(tokens: Sequence[str], phrase: str) -> bool:
    """Return whether a direction phrase occurs.

    In "inflation UP" the rest is a subject, and UP asks that the nearest word of movement around
    the subject goes up. Without such a word the phrase itself must stand in the text.
    """
    parts = phrase.split()
    wanted = (UP in parts) - (DOWN in parts)
    subject = [part.lower() for part in parts if part not in (UP, DOWN)]
    places = _places(tokens, subject)
    if not wanted:
        return bool(places)
    return any(_nearest_move(tokens, place, len(subject)) == wanted for place in places)


def _places(tokens: Sequence[str], phrase: Sequence[str]) -> list[int]:
    size = len(phrase)
    return [n for n in range(len(tokens) - size + 1) if list(tokens[n : n + size]) == list(phrase)]


def _nearest_move(tokens: Sequence[str], place: int, size: int) -> int:
    """Return the sign of the closest word of movement; of two as close, the one that follows."""
    for reach in range(1, SUBJECT_REACH + 1):
        for n in (place + size - 1 + reach, place - reach):
            if 0 <= n < len(tokens) and tokens[n] in MOVE_OF:
                return MOVE_OF[tokens[n]]
    return 0


def _bare(word: str) -> str:
    return word.lower().strip(AROUND_WORDS)


@cache
def _general() -> Any:
    """Return the general analyser with our words put in, once per process."""
    analyser = SentimentIntensityAnalyzer()
    words: dict[str, float] = analyser.lexicon
    for word in words:
        words[word] *= GENERAL_SHARE
    for word in (*finance_words.SILENT.split(), *MOVE_OF):
        words.pop(word, None)
    for good, bad, tenths in finance_words.verdicts():
        words[good], words[bad] = tenths / 10, -tenths / 10
    words[GAIN], words[HARM] = MOVE_STRENGTH, -MOVE_STRENGTH
    return analyser


@cache
def _version() -> str:
    lists = (finance_words.MOVES, finance_words.VERDICTS, finance_words.BURDENS)
    body = "|".join((*lists, finance_words.SILENT, installed("vaderSentiment"), str(RULES)))
    return f"lexicon-{RULES}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"
