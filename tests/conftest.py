"""Fixtures for every test, and what the everyday run leaves out."""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.doors import lost, rates  # noqa: F401
from tests.faults.scale import NIGHTLY
from tests.fixtures import (  # noqa: F401
    _books_are_clean,
    alice,
    bob,
    charlie,
    nothing_happened,
    staff,
)
from tests.guards import (  # noqa: F401
    _cheap_passwords,
    _fresh_cache,
    _no_network,
    _patient_flush,
    _usual_recursion,
)

# No test is about time; benchmarks are.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long; leave out what takes minutes, unless MEGATRON_NIGHTLY=1."""
    longest: dict[Path, float] = defaultdict(float)
    for item in items:
        if limit := item.get_closest_marker("timeout"):
            longest[item.path] = max(longest[item.path], float(limit.args[0]))
    # A long file that begins last would keep one worker busy and the others waiting.
    items.sort(key=lambda item: -longest[item.path])
    if NIGHTLY:
        return
    long = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)
