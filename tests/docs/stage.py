"""The market that every scenario starts from, and the few moves that many of them make."""

from typing import Any

from exchange.engines import variable
from tests.engine.scene import ALICE, BOB, CHARLIE, PAT, PLENTY, Scene

POOL = 10_000
INTERVAL_S = 600
DAY_S = 86_400
NAMES = {ALICE: "Alice", BOB: "Bob", CHARLIE: "Charlie", PAT: "Pat"}


def market(pool: int = POOL, **params: Any) -> Scene:
    """Return an active market: Pat has provided the pool, and all else is as the page says."""
    return Scene.active(pool, **params)


def later(scene: Scene, seconds: int) -> None:
    """Let time pass and nothing else happen."""
    scene.now_s += seconds
    scene.beat()


def news(scene: Scene, delta: str) -> variable.Result:
    """Let an interval pass and three analysts agree on a change, in full confidence."""
    scene.now_s += INTERVAL_S
    return scene.oracle(delta, delta, delta)


def gained(scene: Scene, trader: int) -> int:
    """Return how much more cash somebody has than at the start."""
    return scene.traders[trader].cash_micro - PLENTY


def attempt(scene: Scene, kind: type, **wishes: Any) -> variable.Result:
    """Return what a command would be answered; the market stays as it is."""
    return Scene.of(scene).do(kind, **wishes)
