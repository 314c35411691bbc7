import json
from typing import Any

import pytest

from exchange.engines import outcome
from exchange.engines.engine import EngineBug
from tests.engine.outcome.scene import ALICE, NO, TOKEN, USDC, YES, Scene


def _lived_in() -> Scene:
    scene = Scene({"n_outcomes": "4", "mr_enabled": True})
    scene.hand_pairs(1, 20)
    scene.buy(ALICE, YES, 700)
    scene.buy(ALICE, NO, 10, price=30)
    scene.eliminate([3])
    return scene


def test_a_mapping_through_json_gives_the_state_back() -> None:
    state = _lived_in().state

    again = outcome.MarketState.from_mapping(json.loads(json.dumps(state.to_mapping())))

    assert again == state
    assert outcome.canonical_bytes(again) == outcome.canonical_bytes(state)
    assert state.energy > 2**53


def test_every_figure_is_in_the_canonical_bytes() -> None:
    state = _lived_in().state
    mapping = state.to_mapping()

    for name, value in mapping.items():
        other: Any = "9" if isinstance(value, str) else 9 if not isinstance(value, list) else []
        changed = outcome.MarketState.from_mapping({**mapping, name: other})
        assert outcome.canonical_bytes(changed) != outcome.canonical_bytes(state), name


def test_the_clock_never_goes_back() -> None:
    scene = Scene()
    scene.at_ms = 5_000
    scene.apply()
    scene.at_ms = 1_000
    scene.apply()

    assert scene.state.t_ms == 5_000


def test_a_trader_nobody_knows_is_our_defect() -> None:
    scene = Scene()

    with pytest.raises(EngineBug, match="trader 99 was not loaded"):
        scene.buy(99, YES, 1)


def test_commands_are_read_from_the_log() -> None:
    scene = Scene()
    order = scene.order(ALICE, outcome.BUY, YES, 1)
    fields = {n: getattr(order, n) for n in order.__slots__ if n not in {"seq", "trader"}}

    assert outcome.command_of("order", fields, order.seq, ALICE) == order
    assert outcome.command_of("cancel", {"ts_ms": 1, "ref": 2}, 3, 4) == outcome.CancelOrder(
        seq=3, trader=4, ts_ms=1, ref=2
    )
    elimination = outcome.command_of("eliminate", {"outcomes": [1], "resume_ms": 5}, 7, None)
    assert elimination == outcome.Eliminate(seq=7, outcomes=(1,), resume_ms=5)
    assert outcome.command_of("resolve", {"winner": 1}, 8, None) == outcome.Resolve(seq=8, winner=1)
    with pytest.raises(KeyError):
        outcome.command_of("borrow", {}, 1, 1)


def test_a_report_shows_what_the_pages_need() -> None:
    scene = _lived_in()

    report = outcome.report(scene.config, scene.state, scene.at_ms)

    assert [row.outcome for row in report.outcomes] == [0, 1, 2]
    for row in report.outcomes:
        assert row.ask_pico[0] >= row.price_pico[0] >= row.bid_pico[0]
        assert row.virtual_yes_micro > 0
    assert report.outcomes[0].supply_micro == (1_950 * TOKEN, 1_250 * TOKEN)
    assert 0 <= report.risk_micro <= scene.config.z_micro
    assert report.subsidy_fine == sum(row.subsidy_fine for row in report.outcomes)


def test_the_cash_of_all_outcomes_is_the_potential() -> None:
    scene = Scene()
    scene.buy(ALICE, YES, 700)

    report = outcome.report(scene.config, scene.state, 0)

    cash = sum(row.cash_fine for row in report.outcomes)
    backed = scene.state.pool_micro * 10**6 - 3 * scene.config.depth_micro * 10**6
    assert abs(backed - scene.last.tick.backing_exact // 10**9 - cash) <= 3


def test_the_running_profit_ends_as_the_final_one() -> None:
    scene = Scene()
    assert outcome.report(scene.config, scene.state, 0).profit_micro == 0
    cost = scene.buy(ALICE, YES, 100).order
    fees, core = cost.fee_micro, 51_186_186

    running = outcome.report(scene.config, scene.state, 0).profit_micro
    scene.resolve(1)
    final = outcome.report(scene.config, scene.state, 0).profit_micro

    assert running == fees + cost.amount_micro - core
    assert final == fees + cost.amount_micro
    assert scene.state.pool_micro == scene.config.z_micro + cost.amount_micro
    assert scene.cash(ALICE) == 100_000 * USDC - cost.amount_micro - fees
