"""Attacks on the engine: round trips, an oracle that means harm, other processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path as File

import pytest

from tests.engine.adversary import PLANS, Path
from tests.engine.lives import digest
from tests.engine.round_trips import travel
from tests.faults.scale import scaled

Record = Callable[[str, object], None]

ROOT = File(__file__).parents[2]
SHARDS = 10


@pytest.mark.timeout(scaled(120, 3_600))
@pytest.mark.parametrize("seed", range(SHARDS))
def test_no_round_trip_pays(seed: int, record_property: Record) -> None:
    tally = travel(seed, scaled(1_500, 100_000))

    record_property("trips", tally.trips)
    record_property("largest_micro", tally.largest_micro)
    assert tally.largest_micro is not None
    assert tally.largest_micro <= 0


@pytest.mark.timeout(scaled(120, 3_600))
@pytest.mark.parametrize("plan", PLANS)
def test_all_are_paid_whatever_the_oracle_says(plan: str) -> None:
    for seed in range(scaled(2, 60)):
        path = Path(seed, plan)
        for _ in range(scaled(40, 200)):
            path.advance()


@pytest.mark.parametrize("seed", [7, 8])
def test_a_life_has_the_same_hash_in_every_process(seed: int) -> None:
    program = f"from tests.engine.lives import digest; print(digest({seed}))"

    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("0", "1", "4711", "random")
    }

    assert hashes == {digest(seed)}
