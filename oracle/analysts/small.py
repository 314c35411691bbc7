"""From marks to the small report of stage 1: the same steps for every reader of text."""

from collections.abc import Sequence

from oracle.analysts.base import Brief, Story
from oracle.core import scoring
from oracle.core.quorum import Seat
from oracle.core.reports import DELTA, NOTE_SMALL, Mark, Report
from oracle.sources.base import words


def report(name: str, seat: Seat, brief: Brief, marks: Sequence[Mark]) -> Report:
    """Return the small report of a seat over its marks."""
    opinion = scoring.small(marks, floor_e8=brief.floor_e8)
    impact = scoring.impact(marks)
    large = (NOTE_SMALL,) if impact >= scoring.IMPACT_LARGE else ()
    return Report(
        seat=seat.name,
        reader=name,
        sources=seat.sources,
        kind=DELTA,
        delta_pico=opinion.delta_pico,
        confidence_e8=opinion.confidence_e8,
        stated_e8=opinion.confidence_e8,
        impact=impact,
        notes=opinion.notes + large,
        marks=tuple(marks),
    )


def mark(story: Story, keywords: Sequence[str], sign: int, confidence_e8: int) -> Mark:
    """Return what a reader makes of a story, weighed by where it was told."""
    told = f" {' '.join(words(f'{story.title} {story.text}'))} "
    named = any(f" {' '.join(words(keyword))} " in told for keyword in keywords)
    made = Mark(
        cluster=story.cluster, sign=sign, confidence_e8=confidence_e8 if sign else 0, keyword=named
    )
    return scoring.weighted(made, story.weight_e8)
