"""Quorum, novelty, levels and cadence: the small pure decisions around a run."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from oracle.core import cadence, levels, novelty, quorum
from oracle.core.cadence import Ending
from oracle.core.levels import LevelMapping
from oracle.core.quorum import Seat
from oracle.core.reports import DELTA, Report

FLOOR = 40_000_000


def seat(name: str, reader: str, *sources: str) -> Seat:
    return Seat(name=name, reader=reader, sources=sources)


def report(name: str, percent: int = 80) -> Report:
    return Report(
        seat=name,
        reader="lexicon",
        sources=("wire",),
        kind=DELTA,
        delta_pico=1,
        confidence_e8=percent * 10**6,
        stated_e8=percent * 10**6,
    )


def test_the_same_reader_over_a_shared_source_is_one_voice() -> None:
    a, b, c = seat("a", "lexicon", "x", "y"), seat("b", "lexicon", "y"), seat("c", "series", "y")
    assert quorum.dependent([a, b, c]) == [("a", "b")]


def test_different_sources_are_independent() -> None:
    assert quorum.dependent([seat("a", "lexicon", "x"), seat("b", "lexicon", "y")]) == []


def test_one_report_per_seat_goes_in_by_name() -> None:
    panel = quorum.assemble([report("b"), report("a"), report("b", 99)], quorum=2, floor_e8=FLOOR)
    assert [r.seat for r in panel.reports] == ["a", "b"]
    assert panel.reports[1].confidence_e8 == 80_000_000
    assert (panel.counted, panel.missing) == (2, 0)


def test_a_report_below_the_floor_does_not_count() -> None:
    panel = quorum.assemble([report("a", 39), report("b", 40)], quorum=2, floor_e8=FLOOR)
    assert (len(panel.reports), panel.counted, panel.missing) == (2, 1, 1)


def chosen(
    seen: dict[str, list[int]],
    spent: Collection[int] = (),
    limit: int = 25,
    whose: Mapping[int, str] = MappingProxyType({}),
) -> list[int]:
    every = {one: "agency.example" for queue in seen.values() for one in queue}
    return novelty.choose(seen, spent, limit, every | dict(whose))


def test_spent_stories_are_never_chosen() -> None:
    assert chosen({"a": [1, 2, 3]}, {2}) == [1, 3]


def test_a_flood_cannot_push_the_others_out() -> None:
    seen = {"flood": list(range(100, 200)), "wire": [1, 2], "agency": [3]}
    assert chosen(seen, limit=6) == [3, 100, 1, 101, 2, 102]


def test_nor_can_one_publisher_of_a_source() -> None:
    loud = dict.fromkeys(range(100, 200), "loud.example") | {1: "wire.example"}
    assert chosen({"search": [*range(100, 200), 1, 2]}, limit=4, whose=loud) == [100, 1, 2, 101]


def test_a_story_seen_twice_is_chosen_once() -> None:
    assert chosen({"a": [1, 1, 2], "b": [2, 1]}) == [1, 2]


def test_a_level_is_a_straight_line() -> None:
    line = LevelMapping(slope_pico=2 * 10**12, base_pico=10**12)
    assert line.level_pico(3_500_000_000_000) == 8 * 10**12


def test_a_level_may_fall_as_the_number_rises() -> None:
    line = LevelMapping(slope_pico=-(10**12), base_pico=10 * 10**12)
    assert line.level_pico(3 * 10**12) == 7 * 10**12


def test_a_change_is_symmetric_toward_zero() -> None:
    assert levels.change_pico(11 * 10**12, 10 * 10**12) == 100_000_000_000
    assert levels.change_pico(9 * 10**12, 10 * 10**12) == -100_000_000_000
    assert levels.change_pico(3, 7) == -571_428_571_428
    assert levels.change_pico(11, 7) == 571_428_571_428


def test_the_interval_adapts_inside_its_range() -> None:
    assert cadence.next_interval(600, 300, 900, Ending.MOVED) == 450
    assert cadence.next_interval(310, 300, 900, Ending.MOVED) == 300
    assert cadence.next_interval(600, 300, 900, Ending.QUIET) == 750
    assert cadence.next_interval(800, 300, 900, Ending.QUIET) == 900
    assert cadence.next_interval(600, 300, 900, Ending.REFUSED) == 600


def test_backoff_doubles_to_its_limit() -> None:
    assert [cadence.backoff(60, n, 1800) for n in (1, 2, 3, 6, 60)] == [60, 120, 240, 1800, 1800]


def test_backoff_spreads_by_at_most_an_eighth() -> None:
    waits = {cadence.backoff(80, 1, 1800, spread) for spread in range(1000)}
    assert (min(waits), max(waits)) == (80, 90)


def test_a_suffix_repeats_for_the_same_digest() -> None:
    words = ("", "today", "analysis")
    assert cadence.suffix(words, 7) == cadence.suffix(words, 7) == "today"
    assert {cadence.suffix(words, n) for n in range(3)} == set(words)
    assert cadence.suffix((), 7) == ""
