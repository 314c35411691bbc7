from typing import Any

import pytest

from exchange.engines import outcome
from tests.engine.outcome.scene import ALICE, BOB, CHARLIE, TOKEN, USDC, Scene

FIVE: dict[str, Any] = {"n_outcomes": "5", "mr_enabled": True, "f": "0"}


def _sum(scene: Scene) -> int:
    return sum(row.yes_pico for row in scene.state.outcomes)


def test_losers_no_is_paid_and_their_yes_is_void() -> None:
    scene = Scene(FIVE)
    scene.buy(ALICE, 9, 100)
    scene.buy(BOB, 8, 50)
    before = scene.cash(ALICE), scene.cash(BOB)

    result = scene.eliminate([4])

    assert result.paid == ((ALICE, 100 * TOKEN),)
    assert (scene.cash(ALICE), scene.cash(BOB)) == (before[0] + 100 * USDC, before[1])
    assert scene.held(ALICE, 9) == scene.held(BOB, 8) == 0
    assert scene.last.tick.prices_pico[4] is None


def test_pairs_of_a_loser_are_paid_out_of_their_own_cash() -> None:
    scene = Scene({**FIVE, "f_match": "0"})
    scene.hand_pairs(4, 70)
    pool = scene.state.pool_micro

    result = scene.eliminate([4])

    assert result.paid == ((BOB, 70 * TOKEN),)
    assert (scene.state.pool_micro, scene.state.pairs_micro) == (pool, 0)


def test_orders_on_losers_return_and_those_on_survivors_stay() -> None:
    scene = Scene(FIVE)
    scene.buy(ALICE, 9, 100)
    scene.sell(ALICE, 9, 60, price=90)
    scene.buy(BOB, 8, 10, price=20)
    stays = scene.buy(CHARLIE, 0, 10, price=20).order

    result = scene.eliminate([4])

    assert result.paid == ((ALICE, 100 * TOKEN),)
    assert scene.cash(BOB) == 100_000 * USDC
    assert list(scene.frontier.orders) == [stays.id]
    assert {o.status for o in scene.last.orders.values()} == {outcome.CANCELLED}


def test_yes_prices_sum_up_to_what_they_were_until_the_cap_binds() -> None:
    scene = Scene(FIVE)
    sums = [_sum(scene)]
    firsts = []

    for gone in (4, 3):
        result = scene.eliminate([gone])
        assert result.before_pico == sums[-1]
        sums.append(_sum(scene))
        firsts.append(scene.state.outcomes[0].yes_pico)

    assert sums[0] == 25 * 10**11
    assert 0 <= sums[0] - sums[1] < 10**7
    assert 0 <= sums[1] - sums[2] < 10**7
    assert [round(p / 10**12, 4) for p in firsts] == [0.625, 0.8333]
    scene.eliminate([2])
    assert round(scene.state.outcomes[0].yes_pico / 10**12, 6) == 0.99


def test_several_may_go_at_once() -> None:
    scene = Scene(FIVE)

    result = scene.eliminate([3, 1])

    assert result.outcomes == (1, 3)
    assert scene.state.active == (0, 2, 4)


@pytest.mark.parametrize("kept", [True, False])
def test_yes_prices_come_down_only_where_virtual_yes_may_be_reduced(kept: bool) -> None:
    """Many NO of the loser must be paid, so that the survivors are left with shallower pools."""
    scene = Scene(
        {
            **FIVE,
            "n_outcomes": "6",
            "zeta_start": "0.19",
            "p_max": "0.999999999999",
            "allow_above_par": True,
            "vc_enabled": kept,
        },
        cash=1_000_000,
    )
    scene.buy(ALICE, 11, 6_000)
    scene.buy(ALICE, 11, 3_000)
    before = _sum(scene)

    result = scene.eliminate([5])

    assert result.before_pico == before
    if kept:
        assert (result.factor_e9, _sum(scene) > before) == (10**9, True)
    else:
        assert 0 <= before - _sum(scene) < 10**7
        assert 9 * 10**8 < result.factor_e9 < 10**9


def test_the_coupling_follows_the_number_of_survivors() -> None:
    scene = Scene({**FIVE, "zeta_start": "0.1"})

    scene.eliminate([4, 3])

    assert (scene.state.z_e9, scene.state.z_ref_e9) == (3 * 10**8, 3 * 10**8)


@pytest.mark.parametrize(
    ("outcomes", "resume_ms", "code"),
    [
        ([], 0, "args"),
        ([1, 1], 0, "args"),
        ([1, 2, 3, 4], 0, "args"),
        ([5], 0, "inactive_outcome"),
        ([-1], 0, "inactive_outcome"),
        ([1], -1, "args"),
    ],
)
def test_refuses_an_elimination_that_makes_no_sense(
    outcomes: list[int], resume_ms: int, code: str
) -> None:
    scene = Scene(FIVE)
    before = scene.state

    assert scene.eliminate(outcomes, resume_ms).code == code
    assert scene.state == before
    assert scene.last.postings == ()


def test_refuses_eliminations_where_they_are_off_and_after_the_end() -> None:
    assert Scene({"n_outcomes": "5"}).eliminate([1]).code == "args"
    scene = Scene(FIVE)
    scene.resolve(0)
    assert scene.eliminate([1]).code == "frozen"
    assert scene.resolve(0).code == "frozen"


def test_the_winner_must_be_in_play() -> None:
    scene = Scene(FIVE)
    scene.eliminate([4])

    assert scene.resolve(4).code == "inactive_outcome"
    assert scene.resolve(-1).code == "inactive_outcome"


def test_the_end_pays_the_winner_and_the_losers_no() -> None:
    scene = Scene({"f": "0", "f_match": "0"})
    scene.hand_pairs(1, 30)
    scene.buy(ALICE, 0, 100)
    scene.buy(ALICE, 1, 40)
    scene.buy(BOB, 5, 20)
    waiting = scene.buy(CHARLIE, 0, 10, price=20).order
    cash = {who: scene.cash(who) for who in (ALICE, BOB)}

    result = scene.resolve(0)

    # Bob has NO of both losers, one of them out of pairs
    assert result.paid == ((ALICE, 100 * TOKEN), (BOB, 50 * TOKEN))
    assert scene.cash(ALICE) == cash[ALICE] + 100 * USDC
    assert scene.cash(BOB) == cash[BOB] + 50 * USDC
    assert scene.cash(CHARLIE) == 100_000 * USDC
    assert scene.last.orders[waiting.id].status == outcome.CANCELLED
    assert (scene.state.status, scene.state.winner) == (outcome.SETTLED, 0)
    assert scene.state.pairs_micro == 0
    assert all(not any(t.held_micro) for t in scene.frontier.traders.values())
