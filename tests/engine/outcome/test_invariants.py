from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.engines import outcome
from exchange.engines.engine import EngineBug
from exchange.engines.outcome.results import Posting
from tests.engine.outcome.scene import ALICE, YES, Scene

Settlement = outcome.Settlement


def _state(done: Settlement, **changes: Any) -> Settlement:
    return replace(done, state=replace(done.state, **changes))


def _first(done: Settlement, **changes: Any) -> Settlement:
    first, *rest = done.state.outcomes
    return _state(done, outcomes=(replace(first, **changes), *rest))


def _with(done: Settlement, *postings: Posting) -> Settlement:
    return replace(done, postings=(*done.postings, *postings))


def _trader(done: Settlement, **changes: Any) -> Settlement:
    (trader,) = done.traders.values()
    return replace(done, traders={trader.id: replace(trader, **changes)})


def _order(done: Settlement, **changes: Any) -> Settlement:
    (order,) = done.orders.values()
    return replace(done, orders={order.id: replace(order, **changes)})


def _emptied(done: Settlement) -> Settlement:
    out = 10**10 - 1
    drained = _state(done, pool_micro=done.state.pool_micro - out)
    return _with(drained, Posting(9, "pool", None, -out), Posting(9, "cash", ALICE, out))


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("10.1", lambda d: _with(d, Posting(9, "cash", ALICE, 1))),
        ("10.1 fees", lambda d: _state(d, fees_micro=d.state.fees_micro + 1)),
        ("10.1 pool", lambda d: _state(d, pool_micro=-1)),
        ("10.1 trader", lambda d: _trader(d, cash_micro=-1)),
        ("10.1 trader", lambda d: _trader(d, held_micro=(-1, 0))),
        ("10.1 order", lambda d: _order(d, remaining_micro=-1)),
        ("10.1 tokens", lambda d: _first(d, yes_micro=1)),
        ("10.1 tokens", lambda d: _first(d, no_micro=1)),
        ("10.2", _emptied),
        ("10.6 price", lambda d: _first(d, no_pico=10**12)),
        ("10.6 limit", lambda d: _order(d, amount_micro=56 * 10**6)),
    ],
)
def test_a_broken_promise_is_noticed(
    section: str, change: Callable[[Settlement], Settlement]
) -> None:
    scene = Scene()
    before = scene.state
    scene.buy(ALICE, YES, 100, price=55)
    broken = change(scene.last)

    with pytest.raises(EngineBug, match=f"^{section} broken: "):
        outcome.check_invariants(scene.config, before, broken.state, broken)


def test_a_pool_that_could_not_pay_is_noticed() -> None:
    """F sees a pool that shrinks; what the worst winner takes is checked apart from it."""
    scene = Scene()
    scene.buy(ALICE, YES, 100)
    poor = replace(scene.state, pool_micro=99 * 10**6)
    done = outcome.apply(scene.config, poor, {}, (), 0, frontier=scene.frontier)

    with pytest.raises(EngineBug, match=r"^10.3 broken: pool 99000000, redemption 100000000"):
        outcome.check_invariants(scene.config, poor, done.state, done)


def test_an_elimination_that_hands_on_more_than_it_may_is_noticed() -> None:
    scene = Scene({"mr_enabled": True, "n_outcomes": "4"})
    scene.buy(ALICE, 7, 100)
    before = scene.state
    scene.eliminate([3])
    broken = _state(scene.last, energy=scene.state.energy * 101 // 100)

    with pytest.raises(EngineBug, match=r"^10.2 broken: "):
        outcome.check_invariants(scene.config, before, broken.state, broken)
