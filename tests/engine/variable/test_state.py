import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from exchange.engines.variable import Cohort, Config, MarketState, Provider, canonical_bytes
from tests.engine.scene import ALICE, SHARE, USDC, Scene

ROOT = Path(__file__).parents[3]

BOTH_SIDES = MarketState(
    status="active",
    t_s=5,
    opened_s=0,
    deadline_s=9,
    p0_pico=10 * 10**12,
    k_atto=25 * 10**14,
    f_pico=10 * 10**12,
    target_pico=10 * 10**12,
    long_nano=800 * SHARE,
    short_nano=300 * SHARE,
    pool_micro=18_000 * USDC,
    window=((1, 2), (3, 4)),
)


def test_core_figures_with_both_sides_open() -> None:
    assert BOTH_SIDES.supply_nano == 500 * SHARE
    assert BOTH_SIDES.market_pico == 11_250_000_000_000
    assert BOTH_SIDES.liability_micro == 5_312_500_000
    assert BOTH_SIDES.equity_micro == 12_687_500_000
    assert BOTH_SIDES.payout_micro == 8_200 * USDC
    assert BOTH_SIDES.free_capital_micro == 9_800 * USDC
    assert BOTH_SIDES.close_out_pico == 12 * 10**12


def test_what_is_owed_rounds_up_and_what_is_free_rounds_down() -> None:
    odd = replace(BOTH_SIDES, short_nano=0, long_nano=1, pool_micro=1)

    assert odd.liability_micro == odd.payout_micro == 1
    assert odd.equity_micro == odd.free_capital_micro == 0


def test_market_price_rounds_down_below_zero_supply_too() -> None:
    short = replace(BOTH_SIDES, long_nano=0, short_nano=1)
    exact = Fraction(short.price_exact, 10**15)

    assert short.market_pico == 10 * 10**12 - 3
    assert short.market_pico < exact < short.market_pico + 1


def test_a_mapping_through_json_gives_the_state_back() -> None:
    text = json.dumps(BOTH_SIDES.to_mapping())

    assert MarketState.from_mapping(json.loads(text)) == BOTH_SIDES


def test_a_provider_through_json_comes_back() -> None:
    cohorts = (Cohort(5, None), Cohort(7, 100, 2))
    provider = Provider(id=3, units_nano=12, cohorts=cohorts, acc_paid=10**40, owed=1)

    assert Provider.from_mapping(json.loads(json.dumps(provider.to_mapping()))) == provider


def test_a_new_market_collects_until_its_deadline() -> None:
    state = MarketState.opened(Config.parse({"k": "0.5"}), 1000)

    assert (state.status, state.deadline_s, state.k_atto) == ("funding", 605_800, 5 * 10**17)
    assert state.f_pico == state.target_pico == state.p0_pico


@pytest.mark.parametrize("field", [f.name for f in fields(MarketState)])
def test_every_field_is_part_of_the_bytes(field: str) -> None:
    other: dict[str, Any] = {
        "status": "winding",
        "clamped": True,
        "backlog": True,
        "window": ((1, 1),),
    }
    changed = replace(BOTH_SIDES, **{field: other.get(field, 77)})

    assert canonical_bytes(changed) != canonical_bytes(BOTH_SIDES)


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "from tests.engine.variable.test_state import traded_bytes\n"
        "import sys; sys.stdout.buffer.write(traded_bytes())"
    )

    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }

    assert outputs == {traded_bytes()}


def traded_bytes() -> bytes:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    scene.now_s = 700
    scene.oracle("0.02", "0.03", "-0.01", confidence="0.8")
    scene.sell(ALICE, SHARE)
    return canonical_bytes(scene.state)
