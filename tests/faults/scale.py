"""How much is enough: the everyday run is bounded, a nightly one takes the specification's figures.

MEGATRON_NIGHTLY=1 chooses the full figures; SEED repeats the choices of an earlier run.
"""

import os
import random
import secrets

NIGHTLY = os.environ.get("MEGATRON_NIGHTLY", "") == "1"


def scaled(ordinary: int, full: int) -> int:
    """Return the figure of this run's profile."""
    return full if NIGHTLY else ordinary


def chance() -> random.Random:
    """Return the source of every choice of a test; a failure shows how to repeat it."""
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
    print(f"repeat with SEED={seed}")
    return random.Random(seed)
