"""Let the readers of text judge headlines that people have judged, and score them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange import clock
from exchange.engines.units import PICO
from exchange.errors import Malformed
from oracle.analysts.base import Analyst, Brief, Story, Variable
from oracle.analysts.registry import READS_NUMBERS, available
from oracle.core import card
from oracle.core.card import Claim, Score
from oracle.core.quorum import Seat
from oracle.core.reports import Mark

SIGNS = {"positive": 1, "neutral": 0, "negative": -1}
BATCH = 25
FULL_E8 = 10**8

# Good news lifts it; there are no words of its own, so that the tone alone speaks.
NEWS = Variable(
    question="Is this good news?",
    polarity=1,
    rise_words=(),
    fall_words=(),
    keywords=(),
    mapping=None,
    mapping_confidence_e8=0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One reader's score over a file of labels, and how long it took."""

    reader: str
    version: str
    score: Score
    usual: int
    milliseconds: int


def labelled(path: Path, names: Sequence[str] = ()) -> list[Labelled]:
    """Return how every reader of text that can run here (or those named) agrees with the labels.

    The file is CSV with the columns Sentence and Sentiment.

    Raises:  Malformed for another form.
    """
    rows = _rows(path)
    found = []
    for name, reader in sorted(available().items()):
        if name not in READS_NUMBERS and (not names or name in names):
            found.append(_judge(reader, rows))
    return found


def _rows(path: Path) -> list[tuple[str, int]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return [(row["Sentence"], SIGNS[row["Sentiment"]]) for row in csv.DictReader(lines)]
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise Malformed(f"{path.name} has no columns Sentence and Sentiment") from error


def _judge(reader: Analyst, rows: Sequence[tuple[str, int]]) -> Labelled:
    started = clock.monotonic()
    marks: list[Mark] = []
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        report = reader.read(_SEAT, _brief([sentence for sentence, _ in batch]))
        marks += report.marks if report else ()
    took = clock.monotonic() - started
    claims = [
        Claim(sign=mark.sign, confidence_e8=mark.confidence_e8, truth_sign=label)
        for mark, (_, label) in zip(marks, rows, strict=True)
    ]
    labels = [label for _, label in rows]
    return Labelled(
        reader=reader.name,
        version=reader.version,
        score=card.score(claims, zero_is_a_verdict=True),
        usual=max(labels.count(sign) for sign in SIGNS.values()),
        milliseconds=int(took * 1_000),
    )


_SEAT = Seat(name="labels", reader="", sources=("labels",))


def _brief(sentences: Sequence[str]) -> Brief:
    stories = tuple(
        Story(cluster=number, title=sentence, text="", weight_e8=FULL_E8)
        for number, sentence in enumerate(sentences)
    )
    return Brief(
        variable=NEWS,
        stories=stories,
        number=None,
        fundamental_pico=PICO,
        floor_e8=0,
        as_of=clock.now(),
    )
