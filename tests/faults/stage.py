"""A live web process on the tests' database, for whoever tests over a real line."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.faults.nursery import database_url
from tests.faults.site import Web


@pytest.fixture(scope="session")
def _web(django_db_setup: None) -> Iterator[Web]:
    one = Web(DATABASE_URL=database_url(str(connection.settings_dict["NAME"])))
    one.start()
    yield one
    one.remove()


@pytest.fixture
def web(_web: Web, transactional_db: None) -> Web:
    """Return a live web process on this test's database, started again if a test killed it."""
    if _web.process is None or _web.process.poll() is not None:
        _web.start()
    return _web
