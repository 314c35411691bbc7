"""Fixtures for every test."""

from tests.fixtures import (  # noqa: F401
    _books_are_clean,
    alice,
    bob,
    charlie,
    nothing_happened,
    staff,
)
from tests.guards import _cheap_passwords, _fresh_cache, _no_network  # noqa: F401
