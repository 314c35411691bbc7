"""From marks to the small report of stage 1: the same steps for every reader of text."""

from collections.abc import Sequence

from oracle.analysts.base import Brief, Story
from oracle.core import scoring
from oracle.core.quorum import Seat
from oracle.core.reports import DELTA, NOTE_SMALL, Mark, Report
from oracle.sources.base import words


def report(name: str, seat: Seat, brief: Brief, marks: Sequence[Mark]) -> Report:
    """Return the small report of a seat over its marks."""
    said = opinion(brief, marks, floor_e8=brief.floor_e8)
    return Report(
        seat=seat.name,
        reader=name,
        sources=seat.sources,
        kind=DELTA,
        delta_pico=said.delta_pico,
        confidence_e8=said.confidence_e8,
        stated_e8=said.confidence_e8,
        impact=scoring.impact(marks),
        notes=(*said.notes, NOTE_SMALL) if marks else said.notes,
        marks=tuple(marks),
    )


def side(brief: Brief, marks: Sequence[Mark]) -> int:
    """Return the direction that the voices of a seat have together, however sure they are."""
    delta_pico = opinion(brief, marks, floor_e8=0).delta_pico
    return (delta_pico > 0) - (delta_pico < 0)


def opinion(brief: Brief, marks: Sequence[Mark], *, floor_e8: int) -> scoring.Opinion:
    """Return what the marks add up to, a voice for each publisher and source of the brief."""
    tellers = [story.teller for story in brief.stories]
    return scoring.small(marks, tellers, brief.sources, floor_e8=floor_e8)


def mark(story: Story, keywords: Sequence[str], sign: int, confidence_e8: int) -> Mark:
    """Return what a reader makes of a story, weighed by where it was told."""
    told = f" {' '.join(words(f'{story.title} {story.text}'))} "
    named = any(f" {' '.join(words(keyword))} " in told for keyword in keywords)
    made = Mark(
        cluster=story.cluster, sign=sign, confidence_e8=confidence_e8 if sign else 0, keyword=named
    )
    return scoring.weighted(made, story.weight_e8)
