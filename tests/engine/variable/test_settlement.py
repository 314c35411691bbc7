from dataclasses import replace

import pytest

from exchange.engines.engine import EngineBug, Rejected
from exchange.engines.variable import (
    Buy,
    Filled,
    Heartbeat,
    OracleEvent,
    Sell,
    apply,
    display,
    quote,
)
from tests.engine.scene import ALICE, BOB, DOLLAR, SHARE, USDC, Scene, filled, report

DAY = 86_400


def test_results_come_in_the_order_of_the_commands() -> None:
    scene = Scene.active()

    results = scene.batch(
        Buy(seq=1, trader=ALICE, amount_micro=50 * USDC),
        Buy(seq=2, trader=BOB, amount_micro=9_000 * USDC),
        Sell(seq=3, trader=ALICE, shares_nano=SHARE),
    )

    assert [type(result) for result in results] == [Filled, Rejected, Filled]
    assert [fill.seq for fill in scene.last.fills] == [1, 3]
    assert {posting.seq for posting in scene.last.postings} == {1, 3}
    assert set(scene.last.traders) == {ALICE}


def test_a_batch_gives_what_its_commands_give_one_by_one() -> None:
    together, apart = Scene.active(), Scene.active()
    commands = [
        Buy(seq=n, trader=ALICE if n % 2 else BOB, amount_micro=n * USDC) for n in range(1, 9)
    ]

    together.batch(*commands)
    for command in commands:
        apart.batch(command)

    assert together.state == apart.state
    assert together.traders == apart.traders


def test_a_refused_command_in_the_middle_leaves_no_trace() -> None:
    with_it, without = Scene.active(), Scene.active()
    good = Buy(seq=1, trader=ALICE, amount_micro=50 * USDC)
    bad = Buy(seq=2, trader=ALICE, amount_micro=50 * USDC, min_shares_nano=10**15)
    after = Sell(seq=3, trader=ALICE, shares_nano=SHARE)

    with_it.batch(good, bad, after)
    without.batch(good, after)

    assert with_it.state == without.state
    assert with_it.traders == without.traders
    assert with_it.last.postings == without.last.postings


def test_the_clock_never_goes_back() -> None:
    scene = Scene.active(now_s=1000)
    scene.now_s = 1

    scene.beat()

    assert scene.state.t_s == 1000


def test_a_new_day_remembers_f_and_equity_before_anything_moves() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 300 * USDC)
    scene.state = replace(scene.state, paid_day_micro=5)
    equity = scene.state.equity_micro

    scene.now_s = DAY
    scene.oracle("0.05", "0.05", "0.05")

    assert (scene.state.day, scene.state.paid_day_micro) == (1, 0)
    assert scene.state.f_day_pico == 10 * DOLLAR
    assert scene.state.e_day_micro == equity
    assert scene.state.equity_micro != equity


def test_a_funding_market_only_lets_time_pass() -> None:
    scene = Scene()
    scene.now_s = DAY

    scene.beat()

    assert (scene.state.t_s, scene.state.day) == (DAY, 0)
    assert scene.last.tick.display_pico == 10 * DOLLAR


def test_tick_shows_the_state_and_the_headline() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)

    tick, state = scene.last.tick, scene.state
    shown, weight = display(scene.config, state.price_exact, state.f_pico, 99_500_000)
    assert (tick.display_pico, tick.weight_e8, tick.volume_micro) == (shown, weight, 99_500_000)
    assert (tick.market_pico, tick.fundamental_pico) == (state.market_pico, state.f_pico)
    assert (tick.pool_micro, tick.equity_micro) == (state.pool_micro, state.equity_micro)
    assert tick.free_capital_micro == state.free_capital_micro
    assert (tick.close_out_pico, tick.supply_nano) == (state.close_out_pico, state.supply_nano)


def test_the_parts_of_a_move_sum_to_it() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 200 * USDC)
    first, before = scene.last.tick, scene.state

    scene.now_s = 400
    scene.batch(
        Sell(seq=2, trader=ALICE, shares_nano=SHARE),
        OracleEvent(seq=3, reports=(report("0.05"),) * 3),
        Buy(seq=4, trader=BOB, amount_micro=30 * USDC),
        OracleEvent(seq=5, reports=(report("-0.02"),) * 3),
    )

    move, last = scene.last.move, scene.last.tick
    parts = (
        move.display_trades_pico,
        move.display_oracle_pico,
        move.display_recentring_pico,
        move.display_window_pico,
    )
    assert sum(parts) == last.display_pico - first.display_pico
    assert all(parts)
    assert move.market_oracle_pico == sum(
        shift.delta_pico for shift in scene.last.shifts if shift.reason == "oracle"
    )
    assert (
        move.market_trades_pico + move.market_oracle_pico + move.market_recentring_pico
        == scene.state.market_pico - before.market_pico
    )


def test_volume_leaves_the_window_after_its_seconds() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    for scene.now_s, volume in ((299, 99_500_000), (300, 0)):
        scene.beat()

        assert scene.last.tick.volume_micro == volume
    assert scene.state.window == ()
    assert scene.last.move.display_window_pico < 0


def test_a_quote_is_the_command_and_keeps_nothing() -> None:
    scene = Scene.active()
    before = scene.state
    command = Buy(seq=0, trader=ALICE, amount_micro=100 * USDC)

    quoted = quote(scene.config, scene.state, scene.traders[ALICE], command, 0)

    assert scene.state == before
    assert quoted.results[0] == scene.batch(command)[0]
    assert quoted.state == scene.state


def test_a_trader_who_was_not_loaded_is_a_defect() -> None:
    scene = Scene.active()

    with pytest.raises(EngineBug, match="trader 77"):
        apply(scene.config, scene.state, {}, {}, [Buy(seq=1, trader=77, amount_micro=USDC)], 0)


def test_an_empty_batch_is_a_heartbeat() -> None:
    scene, other = Scene.active(), Scene.active()
    for s in (scene, other):
        filled(s.buy(ALICE, 100 * USDC))
        s.now_s = 60

    scene.batch()
    other.batch(Heartbeat(seq=9))

    assert scene.state == other.state
