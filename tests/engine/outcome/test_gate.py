"""Gates: trading goes on, only reduces, or stands still until an elimination."""

from typing import Any

import pytest

from exchange.engines import outcome
from exchange.engines.engine import Rejected
from tests.engine.outcome.scene import ALICE, BOB, TOKEN, Scene

FIVE: dict[str, Any] = {"n_outcomes": "5", "mr_enabled": True, "gas_fee": "0.1"}


def _gate(scene: Scene, mode: str) -> Any:
    return scene.apply(outcome.Gate(seq=scene.next_seq(), mode=mode))[0]


def test_frozen_refuses_orders_takes_gas_and_lets_people_take_back() -> None:
    scene = Scene(FIVE)
    resting = scene.buy(ALICE, 0, 10, price=20).order
    cash = scene.cash(BOB)

    assert _gate(scene, outcome.FROZEN) == outcome.Gated("frozen")
    refused = scene.buy(BOB, 0, 1)

    assert refused == Rejected("frozen", {"status": "frozen", "gas_micro": 100_000})
    assert scene.cash(BOB) == cash - 100_000
    assert isinstance(scene.cancel(ALICE, resting.id), outcome.Cancelled)


def test_an_elimination_lets_what_was_frozen_go_on_and_nothing_else_does() -> None:
    scene = Scene(FIVE)
    _gate(scene, outcome.FROZEN)

    assert _gate(scene, outcome.TRADING) == outcome.Gated("frozen")
    assert not scene.state.is_open(0)
    scene.eliminate([4])

    assert scene.state.is_open(0)
    assert isinstance(scene.buy(BOB, 0, 1), outcome.Placed)


def test_reduce_only_lets_people_sell() -> None:
    scene = Scene(FIVE)
    scene.buy(ALICE, 0, 10)

    _gate(scene, outcome.REDUCING)

    assert scene.buy(ALICE, 0, 1).code == "reduce_only"
    assert scene.sell(ALICE, 0, 10).order.filled_micro == 10 * TOKEN
    assert scene.eliminate([4]).outcomes == (4,)
    assert scene.buy(ALICE, 0, 1).code == "reduce_only"
    assert _gate(scene, outcome.TRADING) == outcome.Gated("trading")


def test_what_is_settled_has_no_gate_and_an_unknown_mode_is_none() -> None:
    scene = Scene(FIVE)

    assert _gate(scene, "ajar").code == "args"
    scene.resolve(0)

    assert _gate(scene, outcome.TRADING).code == "frozen"


def test_what_has_ended_is_only_resolved() -> None:
    scene = Scene(FIVE)
    _gate(scene, outcome.FROZEN)

    assert _gate(scene, outcome.ENDED) == outcome.Gated("ended")
    assert _gate(scene, outcome.TRADING) == outcome.Gated("ended")
    assert scene.eliminate([4]).code == "frozen"
    assert scene.buy(BOB, 0, 1).fields["status"] == "ended"
    assert scene.resolve(1).winner == 1


def test_a_frozen_market_can_be_resolved() -> None:
    scene = Scene(FIVE)
    _gate(scene, outcome.FROZEN)

    assert scene.resolve(2).winner == 2


@pytest.mark.parametrize(
    ("outcomes", "loss"), [(3, 176_356_121), (5, 684_626_463), (10, 1_467_188_965)]
)
def test_the_basket_costs_the_maker_what_the_findings_measured(outcomes: int, loss: int) -> None:
    config = outcome.Config.parse({"n_outcomes": str(outcomes), "z": "9000"})

    assert outcome.worst_basket(config).loss_micro == loss


def test_prices_that_sum_to_one_leave_no_basket() -> None:
    config = outcome.Config.parse({"n_outcomes": "4", "initial_price": "0.25"})

    assert outcome.worst_basket(config) == (0, 0)
