"""Fixtures for every test, and what the everyday run leaves out."""

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
    """Leave out what takes minutes, unless MEGATRON_NIGHTLY=1 asks for it."""
    if NIGHTLY:
        return
    long = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)
