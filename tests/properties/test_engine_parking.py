"""What the engine leaves out of sight changes nothing: the same lives without it end the same."""

from dataclasses import replace
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.engines import variable
from exchange.engines.variable import LimitOrder, triggers
from tests.engine import naive
from tests.engine.lives import Life
from tests.engine.promises import Market
from tests.engine.scene import Scene
from tests.faults.scale import scaled


def unparked(settlement: variable.Settlement, before: Scene) -> variable.Settlement:
    """Return a settlement that tells nothing of who is parked, nor of those so changed alone."""
    traders = {key: replace(t, parked=False) for key, t in settlement.traders.items()}
    resting = {key: _unparked(item) for key, item in settlement.resting.items()}
    return replace(
        settlement,
        traders={k: t for k, t in traders.items() if t != replace(before.traders[k], parked=False)},
        resting={
            key: item
            for key, item in resting.items()
            if key not in before.items or item != _unparked(before.items[key])
        },
    )


def _unparked(item: variable.Resting) -> variable.Resting:
    return replace(item, parked=False) if isinstance(item, LimitOrder) else item


@settings(max_examples=scaled(60, 2_000), deadline=None)
@given(seed=st.integers(0, 2**32), batches=st.integers(20, 60))
@example(seed=318, batches=20)  # passed over for its size, an order waits for the next operation
def test_parking_changes_no_fill(seed: int, batches: int) -> None:
    life = Life(seed)
    scene = life.open()
    other = Scene.of(scene)
    for _ in range(batches):
        commands = life.batch(scene)
        was, other_was = Scene.of(scene), Scene.of(other)
        other.now_s = scene.now_s
        scene.batch(*commands)
        with mock.patch.object(triggers, "_fill", naive.fill):
            other.batch(*commands)
        assert unparked(scene.last, was) == unparked(other.last, other_was)
        Market(scene).check_parked()
