"""Fixtures for every test."""

import pytest

from tests import known_gaps
from tests.fixtures import (  # noqa: F401
    _books_are_clean,
    alice,
    bob,
    charlie,
    nothing_happened,
    staff,
)
from tests.guards import _cheap_passwords, _fresh_cache, _no_network  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the defects that are known and open."""
    known_gaps.mark(items)
