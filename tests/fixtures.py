"""The cast and the witness: Alice owns, Bob trades against her, Charlie must be refused."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connection

from exchange.models import User
from exchange.services import audit
from tests.factories import funded_user

# A refused command is remembered under its key, so the command log is not among these.
MONEY = (
    "exchange_account",
    "exchange_transfer",
    "exchange_entry",
    "exchange_hold",
    "exchange_position",
    "exchange_stake",
    "exchange_fill",
    "exchange_market",
    "exchange_marketevent",
    "exchange_staffaction",
    "exchange_apitoken",
    "liquidity_marketrequest",
)


def _fingerprint(tables: tuple[str, ...]) -> list[Any]:
    with connection.cursor() as cursor:
        prints = []
        for table in tables:
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY id), '')) FROM {table} t"
            )
            prints.append((table, cursor.fetchone()[0]))
    return prints


@pytest.fixture
def nothing_happened() -> Callable[[], AbstractContextManager[None]]:
    """Assert that a block changed no money, no position and no record, to the byte."""

    @contextmanager
    def watch() -> Iterator[None]:
        before = _fingerprint(MONEY)
        yield
        assert _fingerprint(MONEY) == before

    return watch


@pytest.fixture(autouse=True)
def _books_are_clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Examine the books after every test that used the database and did not break them."""
    marks = {mark.name for mark in request.node.iter_markers()}
    used = "django_db" in marks
    if used:
        request.getfixturevalue("db")  # so that the books are still open when the test is over
    yield
    if used and "breaks_books" not in marks and not connection.needs_rollback:
        assert audit.examine() == []


@pytest.fixture
def alice(db: None) -> User:
    """Return the trader who owns things."""
    return funded_user("1000", display_name="Alice", password="alice-has-a-long-secret")


@pytest.fixture
def bob(db: None) -> User:
    """Return the trader on the other side."""
    return funded_user("1000", display_name="Bob", password="bob-has-a-long-secret")


@pytest.fixture
def charlie(db: None) -> User:
    """Return the stranger who must be refused."""
    return funded_user("1000", display_name="Charlie", password="charlie-has-a-long-secret")


@pytest.fixture
def staff(db: None) -> User:
    """Return a member of staff with every right."""
    return funded_user(
        "0", display_name="Staff", is_staff=True, is_superuser=True, password="staff-long-secret"
    )
