"""Many seeded lives of outcome markets, audited after each batch, and the same in any process.

A failure names its seed; `life(seed)` repeats it.
"""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from exchange.engines import outcome
from exchange.engines.outcome import depth
from tests.engine.outcome import dice
from tests.engine.outcome.auditor import Auditor
from tests.engine.outcome.scene import Scene

NIGHTLY = bool(os.environ.get("MEGATRON_NIGHTLY"))
SEEDS = range(9_000 if NIGHTLY else 60)
BATCHES = 25
ROOT = Path(__file__).parents[2]
HASH = "from tests.properties.test_outcome_lives import hash_of; print(hash_of(range(4)))"


def life(seed: int, counts: Counter[str] | None = None) -> Scene:
    """Live a market from launch to payout, auditing it after each batch."""
    random = Random(seed)
    scene = Scene(dice.parameters(random), cash=20_000)
    auditor = Auditor(scene)
    for _ in range(BATCHES):
        scene.at_ms += random.choice([0, 500, 2_000])
        if random.random() < 0.06 and len(scene.state.active) > 2:
            scene.eliminate([random.choice(scene.state.active)], scene.at_ms + 100)
            scene.at_ms += 100
        else:
            scene.apply(*dice.batch(scene, random))
        auditor.after(scene.last)
        if counts is not None:
            counts.update(fill.kind for fill in scene.last.fills)
            counts.update(type(result).__name__ for result in scene.last.results)
    scene.resolve(random.choice(scene.state.active))
    auditor.after(scene.last)
    if counts is not None:
        counts.update({f"{name} {which}": n for (name, which), n in auditor.seen.items()})
    return scene


def hash_of(seeds: range) -> str:
    """Return one hash over the final states of some lives."""
    digest = hashlib.sha256()
    for seed in seeds:
        digest.update(outcome.canonical_bytes(life(seed).state))
    return digest.hexdigest()


@pytest.mark.timeout(14_400 if NIGHTLY else 300)
def test_every_promise_is_kept_whatever_happens() -> None:
    counts: Counter[str] = Counter()

    for seed in SEEDS:
        try:
            life(seed, counts)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise

    kinds = {"amm", "direct", "mint", "merge", "convert", "auto", "Eliminated"}
    kinds |= {f"{name} {which}" for name in ("bound", "facing") for which in (True, False)}
    kinds |= {"held False", "lifted False"}
    assert {kind for kind in kinds if not counts[kind]} == set()


@pytest.mark.timeout(14_400 if NIGHTLY else 300)
def test_the_book_read_in_slices_is_the_book_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a side whole at once is the plain way; a slice is what a stored market is read by."""
    for seed in SEEDS[: len(SEEDS) // 3]:
        found = set()
        for count in (1, 3, 10**9):
            monkeypatch.setattr(depth, "SLICE", count)
            scene = life(seed)
            rest = tuple(sorted(scene.frontier.traders.items()))
            found.add((outcome.canonical_bytes(scene.state), rest))
        assert len(found) == 1, seed


def test_the_state_is_the_same_in_every_process() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", HASH],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("0", "1", "4711")
    }

    assert found == {hash_of(range(4))}
