"""What stands before the doors where money leaves: a fresh proof, and limits, which may be gone."""

import pytest
import redis
from django.test import Client
from rest_framework.settings import api_settings

from exchange import clock, limits
from exchange.models import User


def prove(client: Client, user: User, ago_s: int = 0) -> None:
    """Let the owner of a signed-in browser have given the password once more so long ago."""
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": clock.now_s() - ago_s, "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose Redis."""

    class Gone:
        def pipeline(self, **_: object) -> None:
            raise redis.ConnectionError("gone")

    monkeypatch.setattr(limits, "_client", Gone)
    monkeypatch.setattr(limits, "_breaker", limits._Breaker())


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return a table of small limits in place of the settings'."""
    table = {
        "read": "3/h",
        "quote": "3/h",
        "trade": "3/h",
        "money": "3/h",
        "token": "3/h",
        "fast": "50/s burst 2",
    }
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", table)
    return table
