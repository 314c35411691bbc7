from dataclasses import replace
from typing import Any

import pytest

from exchange.engines.variable.book import Book
from exchange.engines.variable.shifts import shift
from tests.engine.scene import ALICE, DOLLAR, SHARE, USDC, Scene


def book_with(**changes: Any) -> Book:
    scene = Scene.active(half_life="0")
    return Book(scene.config, replace(scene.state, **changes), {}, {}, 0)


def test_an_upward_shift_takes_the_providers_money_and_no_more() -> None:
    book = book_with(long_nano=100 * SHARE, pool_micro=10_000 * USDC + 1)
    room = book.free_exact // (2 * 10**15 * book.long)

    assert shift(book, room, "oracle", 1) == (room, "")
    assert not book.clamped
    assert shift(book, 5, "oracle", 1) == (0, "solvency")
    assert book.clamped
    assert book.free_exact >= 0


@pytest.mark.parametrize(("delta", "moved", "fired"), [(-9, -9, ""), (-99, -10, "floor")])
def test_a_downward_shift_stops_at_the_floor(delta: int, moved: int, fired: str) -> None:
    book = book_with(p0_pico=DOLLAR // 100 + 10)

    assert shift(book, delta, "oracle", 1) == (moved, fired)


def test_below_the_floor_nothing_moves_down() -> None:
    book = book_with(p0_pico=DOLLAR // 100 - 1)

    assert shift(book, -1, "oracle", 1) == (0, "floor")
    assert book.shifts == []


def test_shorts_lift_the_floor() -> None:
    book = book_with(p0_pico=DOLLAR, short_nano=300 * SHARE)

    assert shift(book, -DOLLAR, "oracle", 1) == (
        -(DOLLAR - DOLLAR // 100 - 3 * DOLLAR // 4),
        "floor",
    )


def test_equity_changes_by_the_supply_the_shift_met() -> None:
    book = book_with(long_nano=40 * SHARE)
    before = book.equity_exact

    shift(book, 7, "oracle", 3)

    assert book.equity_exact - before == -2 * 10**15 * 40 * SHARE * 7
    assert book.shifts[0] == (3, "oracle", 7, 40 * SHARE)


def test_half_the_gap_closes_in_a_half_life() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=40 * SHARE)

    scene.now_s = 1800
    scene.beat()

    assert scene.state.market_pico == 10 * DOLLAR + DOLLAR // 20
    assert scene.last.move.market_recentring_pico == -DOLLAR // 20


def test_four_steps_close_what_one_step_closes() -> None:
    one, four = Scene.active(), Scene.active()
    for scene in (one, four):
        scene.buy(ALICE, shares_nano=20 * SHARE)
    for four.now_s in (450, 900, 1350, 1800):
        four.beat()
    one.now_s = 1800
    one.beat()

    assert abs(one.state.p0_pico - four.state.p0_pico) <= 4


def test_no_half_life_means_no_recentring() -> None:
    scene = Scene.active(half_life="0")
    scene.buy(ALICE, 100 * USDC)

    scene.now_s = 10**6
    scene.beat()

    assert scene.state.p0_pico == 10 * DOLLAR


def test_time_that_stands_still_keeps_the_clamp_in_sight() -> None:
    scene = Scene.active()
    scene.state = replace(scene.state, clamped=True)

    scene.beat()

    assert scene.state.clamped
