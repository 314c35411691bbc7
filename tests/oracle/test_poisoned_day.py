"""Somebody owns m of n sources for a whole day: the caps hold, and a minority moves nothing."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.engines.units import PICO, RATE
from exchange.selectors.configs import config_of
from oracle.core.scoring import SMALL_PICO
from oracle.models import OracleSpec
from oracle.services import backtest
from tests.faults.scale import scaled
from tests.oracle import world

pytestmark = pytest.mark.django_db

N, STEP_S = 5, 600
# A day at the usual pace, or its first four hours.
CYCLES = scaled(24, 144)
NAMES = [f"s{n}" for n in range(N)]
START = world.day("2024-03-01")
_numbers = itertools.count(1)
# What the owner of everything may be given at most, so that a minority's share of it shows.
SHARE_PERCENT_MAX = 20


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return tmp_path


def cycles() -> Iterator[tuple[int, datetime]]:
    for cycle in range(CYCLES):
        yield cycle, START + timedelta(seconds=STEP_S * cycle - 60)


def honest(source: int, every: int = 3) -> list[dict[str, Any]]:
    """Return dull stories: most of the time an honest source is silent."""
    return [
        story("counted again", f"d{source}.example", at)
        for cycle, at in cycles()
        if (cycle + source) % every == 0
    ]


def planted(source: int, *, each: int = 1, liar: bool = True) -> list[dict[str, Any]]:
    """Return new good news for every cycle; a feed may say that it is of any domain."""
    return [
        story("surge to a record", f"p{part}.x{cycle if liar else ''}d{source}.example", at)
        for cycle, at in cycles()
        for part in range(each)
    ]


def story(said: str, domain: str, at: datetime) -> dict[str, Any]:
    number = next(_numbers)
    body = " ".join(f"{word}{number}" for word in "abcdefghij")
    url = f"https://{domain}/{number}"
    return world.news(f"Widgets {said} {body}", at=at, publisher=domain, url=url)


def one_source_a_seat(folder: Path, captured: int) -> OracleSpec:
    for n, name in enumerate(NAMES):
        world.archive(folder, name, *(planted(n) if n < captured else honest(n)))
    panel = [{"seat": f"seat {n}", "reader": "lexicon", "sources": [n]} for n in NAMES]
    return spec(*NAMES, panel=panel, quorum=N)


def all_in_one_seat(folder: Path, captured: int) -> OracleSpec:
    for n, name in enumerate(NAMES):
        world.archive(folder, name, *(planted(n, each=5) if n < captured else honest(n)))
    return spec(*NAMES)


def one_search_engine(folder: Path, captured: int) -> OracleSpec:
    """Five domains behind one source; a captured one plants 25 stories in every cycle.

    Which 25 it gives is the source's own affair: here the honest four are among them.
    """
    each = 25 if captured == 1 else 5
    plants = [row for n in range(captured) for row in planted(n, each=each, liar=False)]
    dull = [row for n in range(captured, N) for row in honest(n, every=1)]
    world.archive(folder, "wire", *sorted(dull + plants, key=lambda row: str(row["published"])))
    return spec("wire")


def spec(*names: str, **changes: Any) -> OracleSpec:
    pace: dict[str, Any] = {"interval_max_s": STEP_S, "lookback_s": STEP_S}
    return world.spec(world.oracle_market(*names, **pace, **changes))


def moved(spec: OracleSpec) -> int:
    """Return how far F is driven in the day, in 1e-8 of its start; every tick within the caps."""
    config = config_of(spec.market.config)
    end = START + timedelta(seconds=STEP_S * (CYCLES - 1))
    steps = list(backtest.play(spec, START, end, STEP_S))
    assert len(steps) == CYCLES
    assert all(one.applied for one in steps)
    first = steps[0].before_pico
    for one in steps:
        tick = abs(one.after_pico - one.before_pico)
        assert tick * RATE <= config.step_max_e8 * one.before_pico
        assert tick * RATE * PICO <= (config.beta_e8 * SMALL_PICO + PICO) * one.before_pico
        assert abs(one.after_pico - first) * RATE <= config.day_max_e8 * first + RATE
    return abs(steps[-1].after_pico - first) * RATE // first


@pytest.mark.parametrize("shape", [one_source_a_seat, all_in_one_seat, one_search_engine])
def test_a_minority_gets_a_fifth_of_the_day_at_most(folder: Path, shape: Any) -> None:
    full = moved(shape(folder, N))
    assert full > CYCLES * RATE // 1_000
    for captured in (1, 2):
        assert moved(shape(folder, captured)) * 100 <= SHARE_PERCENT_MAX * full
    assert moved(shape(folder, 3)) * 100 > SHARE_PERCENT_MAX * full  # and it is no deaf oracle
