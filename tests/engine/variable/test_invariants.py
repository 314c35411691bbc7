from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.engines.engine import EngineBug
from exchange.engines.variable import Posting, Settlement, Shift, check_invariants
from tests.engine.scene import ALICE, SHARE, USDC, Scene

Tamper = Callable[[Settlement], Settlement]


def with_state(**changes: Any) -> Tamper:
    def tamper(done: Settlement) -> Settlement:
        moved = {k: getattr(done.state, k) + v for k, v in changes.items()}
        return replace(done, state=replace(done.state, **moved))

    return tamper


def with_posting(*postings: Posting) -> Tamper:
    return lambda done: replace(done, postings=(*done.postings, *postings))


def with_trader(**changes: Any) -> Tamper:
    return lambda done: replace(done, traders={ALICE: replace(done.traders[ALICE], **changes)})


def without_dust(done: Settlement) -> Settlement:
    """Take a micro-USDC out of the pool that the curve has a claim on."""
    state = replace(done.state, pool_micro=done.state.pool_micro - 1)
    return with_posting(Posting(2, "pool", None, -1), Posting(2, "cash", ALICE, 1))(
        replace(done, state=state)
    )


def wider(done: Settlement) -> Settlement:
    return replace(done, shifts=(Shift(None, "recentring", 5, 0),))


TAMPERINGS: list[tuple[str, Tamper]] = [
    ("I1", with_posting(Posting(2, "cash", ALICE, 1))),
    ("I1 pool", with_state(pool_micro=1)),
    ("I1 treasury", with_posting(Posting(2, "treasury", None, 1), Posting(2, "cash", ALICE, -1))),
    ("I1 insurance", with_state(insurance_micro=-1)),
    ("I1 trader", with_trader(cash_micro=-1)),
    ("I6", with_trader(shares_nano=-1)),
    ("I8 escrow", with_trader(escrow_micro=1)),
    ("I2 shares", with_state(long_nano=1)),
    ("I2 units", with_state(units_nano=1)),
    ("I9", without_dust),
    ("I9", with_state(p0_pico=1)),
    ("I11", wider),
    ("I7", with_state(owed=1)),
    ("I7 accumulator", with_state(acc=-(10**40))),
    ("clock", with_state(t_s=-1)),
]


@pytest.mark.parametrize(("name", "tamper"), TAMPERINGS)
def test_each_promise_is_missed_when_it_is_broken(name: str, tamper: Tamper) -> None:
    scene = Scene.active()
    before = scene.state
    scene.buy(ALICE, shares_nano=10 * SHARE)
    bad = tamper(scene.last)

    with pytest.raises(EngineBug) as caught:
        check_invariants(scene.config, before, bad.state, bad)

    assert str(caught.value).startswith(f"{name} broken: ")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("I3", {"pool_micro": 0}),
        ("I5", {"p0_pico": 10**9, "long_nano": 0}),
        ("I4", {"short_nano": 10**16, "p0_pico": 10**11}),
    ],
)
def test_an_unpayable_state_is_found(name: str, changes: dict[str, Any]) -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    scene.beat()
    broken = replace(scene.state, **changes)
    done = replace(scene.last, state=broken)

    with pytest.raises(EngineBug, match=name):
        check_invariants(scene.config, broken, broken, done)


def test_a_move_whose_parts_do_not_add_up_is_found() -> None:
    scene = Scene.active()
    before = scene.state
    scene.buy(ALICE, 100 * USDC)
    wrong = replace(scene.last, move=replace(scene.last.move, market_trades_pico=1))

    with pytest.raises(EngineBug, match="move"):
        check_invariants(scene.config, before, wrong.state, wrong)
