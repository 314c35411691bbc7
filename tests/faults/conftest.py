"""What the faults share: room for a crowd, chosen chances, and books that must add up after all."""

import random
from collections.abc import Iterator

import pytest
from django.db import connection

from exchange.services import audit
from tests.faults.crowd import room_for
from tests.faults.nursery import Nursery, database_url
from tests.faults.scale import chance as new_chance
from tests.faults.stage import _web, web  # noqa: F401

CONNECTIONS = 80


@pytest.fixture
def chance() -> random.Random:
    """Return the one source of this test's choices."""
    return new_chance()


@pytest.fixture
def books(transactional_db: None) -> Iterator[None]:
    """Commit for real, let threads have a connection each, and examine everything at the end."""
    with room_for(CONNECTIONS):
        yield
        assert audit.examine() == []


@pytest.fixture(scope="session")
def nursery(django_db_setup: None) -> Iterator[Nursery]:
    """Return a source of processes that trade on the tests' database."""
    home = Nursery(DATABASE_URL=database_url(str(connection.settings_dict["NAME"])))
    yield home
    home.close()
