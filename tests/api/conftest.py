"""Callers of the API, and a market to call about."""

from collections.abc import Callable

import pytest

from exchange import clock
from exchange.models import Market, User
from exchange.services import tokens
from tests.api.caller import Caller
from tests.factories import active_market
from tests.stillness import still_clock  # noqa: F401


@pytest.fixture
def anyone() -> Caller:
    """Call without an account."""
    return Caller()


@pytest.fixture
def market(db: None) -> Market:
    """Return a market that trades."""
    return active_market("oil")


@pytest.fixture
def by_token() -> Callable[..., Caller]:
    """Return a function that makes a token with the given scopes and a caller that holds it."""

    def make(user: User, *scopes: str) -> Caller:
        _, secret = tokens.create(user=user, name="bot", scopes=scopes, proved_at=clock.now())
        return Caller(secret=secret)

    return make


@pytest.fixture
def as_alice(alice: User) -> Caller:
    """Call with the session of the owner."""
    return Caller(alice)


@pytest.fixture
def as_charlie(charlie: User) -> Caller:
    """Call with the session of the stranger."""
    return Caller(charlie)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limits on the rate of requests."""
    for room in ("exchange.api.throttles", "exchange.limits"):
        monkeypatch.setattr(f"{room}.take", lambda *_, **__: None)
