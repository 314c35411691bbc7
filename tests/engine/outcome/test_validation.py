"""The order of validation of section 6.2: of two things wrong, the earlier is told."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from exchange.engines import outcome
from tests.engine.outcome.scene import ALICE, USDC, Scene

GAS = USDC // 4
Order = outcome.PlaceOrder
Wrong = Callable[[Scene, Order], Order]


def poor(scene: Scene, order: Order) -> Order:
    """Leave less than the gas."""
    _leave(scene, GAS - 1)
    return order


def frozen(scene: Scene, order: Order) -> Order:
    """Freeze trading."""
    scene.state = replace(scene.state, status=outcome.FROZEN)
    return order


def reducing(scene: Scene, order: Order) -> Order:
    """Let people only sell."""
    scene.state = replace(scene.state, status=outcome.REDUCING)
    return replace(order, side=outcome.BUY)


def out(_: Scene, order: Order) -> Order:
    """Name an outcome that is out of play."""
    return replace(order, outcome=4)


def odd_size(_: Scene, order: Order) -> Order:
    """Ask for half a lot."""
    return replace(order, size_micro=5_000)


def off_grid(_: Scene, order: Order) -> Order:
    """Set a limit between two steps."""
    return replace(order, price_micro=555_000)


def no_cash(scene: Scene, order: Order) -> Order:
    """Leave the gas and nothing to lock."""
    if scene.cash(ALICE) >= GAS:
        _leave(scene, GAS)
    return replace(order, side=outcome.BUY, price_micro=order.price_micro or 500_000)


def no_tokens(_: Scene, order: Order) -> Order:
    """Sell what is not there."""
    return replace(order, side=outcome.SELL)


def _leave(scene: Scene, micro: int) -> None:
    traders = scene.frontier.traders
    traders[ALICE] = replace(traders[ALICE], cash_micro=micro)


# As the specification has them; reduce-only is a way of being closed.
IN_ORDER: tuple[tuple[str, Wrong], ...] = (
    ("insufficient_funds", poor),
    ("frozen", frozen),
    ("reduce_only", reducing),
    ("inactive_outcome", out),
    ("bad_size", odd_size),
    ("bad_price", off_grid),
    ("insufficient_funds", no_cash),
    ("insufficient_tokens", no_tokens),
)
# These two cannot both be: of closed doors there is one, and who sells needs no cash.
APART = ({frozen, reducing}, {reducing, no_tokens}, {no_cash, no_tokens}, {poor, no_cash})
TWICE = [
    pytest.param(one, other, id=f"{one[1].__name__}-{other[1].__name__}")
    for one, other in combinations(IN_ORDER, 2)
    if {one[1], other[1]} not in APART
]


def _scene() -> Scene:
    scene = Scene({"n_outcomes": "5", "gas_fee": "0.25", "mr_enabled": True}, cash=100)
    scene.eliminate([4])
    return scene


def _told(*wrongs: Wrong) -> Any:
    scene = _scene()
    order = scene.order(ALICE, outcome.BUY, 0, 1)
    for wrong in wrongs:
        order = wrong(scene, order)
    done = outcome.apply(scene.config, scene.state, {}, [order], 0, frontier=scene.frontier)
    (result,) = done.results
    paid = {posting.kind for posting in done.postings}
    assert isinstance(result, outcome.Placed) or paid <= {"cash", "gas"}
    return result


def test_with_nothing_wrong_it_goes_through() -> None:
    assert isinstance(_told(), outcome.Placed)


@pytest.mark.parametrize(("code", "wrong"), IN_ORDER, ids=lambda row: getattr(row, "__name__", row))
def test_each_is_told_alone(code: str, wrong: Wrong) -> None:
    assert _told(wrong).code == code


@pytest.mark.parametrize(("earlier", "later"), TWICE)
def test_of_two_the_earlier_is_told(earlier: tuple[str, Wrong], later: tuple[str, Wrong]) -> None:
    alone = _told(earlier[1])

    both, swapped = _told(earlier[1], later[1]), _told(later[1], earlier[1])

    assert both.code == swapped.code == alone.code == earlier[0]
