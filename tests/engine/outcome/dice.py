"""Seeded lives of outcome markets: what hypothesis draws thoughtfully, drawn here by the dozen."""

from random import Random
from typing import Any

from exchange.engines import outcome
from exchange.engines.outcome.parameters import Value
from tests.engine.outcome.flow import command_of
from tests.engine.outcome.scene import PEOPLE, Scene

KINDS = ("buy", "buy", "buy", "sell", "sell", "cancel")


def parameters(dice: Random) -> dict[str, Value]:
    """Draw parameters over their ranges, coupling strong enough for auto-fills more often."""
    count = dice.choice([3, 4, 5, 6, dice.randint(7, 10)])
    highest = 10**9 // (count - 1) - 1
    return {
        "n_outcomes": str(count),
        "z": dice.choice(["1000", "10000", "100000"]),
        "initial_price": dice.choice(["0.5", f"0.{10**9 // count:09d}", unequal(dice, count)]),
        "gamma": dice.choice(["0", "0.0001", "0.5"]),
        "zeta_start": f"0.{dice.randint(1, highest):09d}",
        "zeta_end": dice.choice([None, f"0.{dice.randint(1, highest):09d}"]),
        "mu_start": dice.choice(["1", "2"]),
        "nu_start": dice.choice(["1", "2"]),
        "kappa_start": dice.choice(["0", "0.00001", "0.001"]),
        "interpolation_mode": dice.choice(["continue", "reset"]),
        "f": dice.choice(["0", "0.01"]),
        "p_max": dice.choice(["0.7", "0.99"]),
        "tick_size": dice.choice(["0.01", "0.01", "0.0001", "0.002", "0.05"]),
        "sigma": dice.choice(["0", "0.5", "1"]),
        "af_cap_frac": "0.2",
        "af_max_pools": "5",
        "af_max_surplus": "0.5",
        "vc_enabled": dice.random() < 0.7,
        "mr_enabled": True,
        "allow_above_par": dice.random() < 0.7,
        "total_duration_ms": "60000",
    }


def unequal(dice: Random, count: int) -> list[str]:
    """Draw a launch price for each outcome."""
    return [f"0.{dice.randint(10**7, 6 * 10**8):09d}" for _ in range(count)]


def draft(dice: Random) -> dict[str, Any]:
    """Draw a message near the market."""
    limit = dice.random() < 0.6
    return {
        "kind": dice.choice(KINDS),
        "rank": dice.choice([0, 0, 1, 1, 2, 3, dice.randrange(12)]),
        "trader": dice.choice(PEOPLE),
        "tokens": dice.randint(1, 40_000) / 100,
        "offset": round(dice.gauss(0, 4)) if limit else None,
        "auto_fill": dice.random() < 0.7,
        "max_slippage_e9": None if limit else dice.choice([None, None, 10**8]),
        "whole": dice.random() < 0.4,
    }


def pairs(scene: Scene, dice: Random) -> list[outcome.Command]:
    """Return two buys that make pairs unless somebody asks for less."""
    i, tokens = dice.choice(scene.state.active), dice.randint(1, 50_000) / 100
    shown = scene.state.outcomes[i].yes_pico // 10**10
    cents = min(98, max(1, shown - dice.randint(0, 3)))
    one, other = dice.sample(PEOPLE, 2)
    return [
        scene.order(one, outcome.BUY, 2 * i, tokens, price=cents, auto_fill=True),
        scene.order(other, outcome.BUY, 2 * i + 1, tokens, price=100 - cents),
    ]


def batch(scene: Scene, dice: Random) -> list[outcome.Command]:
    """Return the messages of one batch."""
    if dice.random() < 0.3:
        return pairs(scene, dice)
    return [command_of(scene, draft(dice)) for _ in range(dice.choice([1, 1, 3, 6]))]
