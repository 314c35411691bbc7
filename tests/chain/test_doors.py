"""The doors where money leaves are counted, and stay shut while nothing can be counted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chain.clients import endpoints
from chain.models import AddressBookEntry, CredentialChange, Withdrawal
from exchange import clock
from exchange.ids import public_id
from exchange.models import ApiToken, User
from exchange.services import tokens
from tests.chain.driver import Chain, Embedded
from tests.chain.paying import Till, entry, withdraw
from tests.chain.stage import depositor
from tests.doors import prove
from tests.factories import key
from tests.web.pages import text

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
GOOD = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
DOORS = ("/wallet/withdrawals/", "/wallet/addresses/", "/account/tokens/")


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    found = Till(chain, tmp_path, cancel_window_s=60)
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    depositor()
    return found


@pytest.fixture
def hers(client: Client, alice: User) -> Client:
    """Return Alice's browser, signed in with her password just now."""
    client.force_login(alice)
    CredentialChange.objects.all().delete()
    prove(client, alice)
    return client


def _asked(door: str, to: AddressBookEntry) -> dict[str, Any]:
    bodies: dict[str, dict[str, Any]] = {
        "/wallet/withdrawals/": {"entry": to.public_id, "amount": "1", "key": key()},
        "/wallet/addresses/": {"address": GOOD, "label": "Mine"},
        "/account/tokens/": {"name": "bot", "scopes": ["read"]},
    }
    return bodies[door]


def _rows() -> tuple[int, int, int]:
    kinds = (Withdrawal, AddressBookEntry, ApiToken)
    one, two, three = (kind._default_manager.count() for kind in kinds)
    return one, two, three


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.usefixtures("till", "lost")
def test_without_redis_no_door_opens(
    hers: Client, alice: User, nothing_happened: Nothing, door: str
) -> None:
    to = entry(alice)
    before = _rows()
    with nothing_happened():
        answer = hers.post(door, _asked(door, to))

    assert answer.status_code == 503
    assert "The limits cannot be checked right now. Nothing was done." in text(answer)
    assert _rows() == before


@pytest.mark.usefixtures("till", "lost")
def test_without_redis_the_api_pays_nothing(
    hers: Client, alice: User, nothing_happened: Nothing
) -> None:
    asked = {"address_id": entry(alice).public_id, "amount": "1"}
    token, secret = tokens.create(
        user=alice, name="bot", scopes=["withdraw"], proved_at=clock.now()
    )
    token.created_at -= tokens.WITHDRAWS_AFTER
    token.last_used_at = clock.now()
    token.save()
    for who, head in ((hers, {}), (Client(), {"Authorization": f"Bearer {secret}"})):
        with nothing_happened():
            answer = who.post(
                "/api/v1/wallet/withdrawals/",
                asked,
                content_type="application/json",
                headers={"Idempotency-Key": key(), **head},
            )
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.usefixtures("till", "rates")
def test_a_door_opens_so_often_and_says_when_again(
    hers: Client, alice: User, nothing_happened: Nothing, door: str
) -> None:
    to = entry(alice)
    passed = [hers.post(door, _asked(door, to)).status_code for _ in range(3)]
    before = _rows()
    with nothing_happened():
        answer = hers.post(door, _asked(door, to))

    assert 429 not in passed
    assert answer.status_code == 429
    assert 1_000 < int(answer["Retry-After"]) <= 1_200
    assert "Too many requests" in text(answer)
    assert _rows() == before


@pytest.mark.usefixtures("lost")
def test_without_redis_what_stops_a_thief_still_works(
    till: Till, hers: Client, alice: User
) -> None:
    first, second = withdraw(alice, till.network), withdraw(alice, till.network)
    token, _ = tokens.create(user=alice, name="bot", scopes=["read"])
    hers.post(f"/wallet/withdrawals/{first.public_id}/cancel/")
    hers.post(
        f"/api/v1/wallet/withdrawals/{second.public_id}/cancel/",
        {},
        content_type="application/json",
    )
    hers.post(f"/wallet/addresses/{first.entry.public_id}/remove/")
    hers.post(f"/account/tokens/{public_id('tok', token.pk)}/revoke/")

    assert set(Withdrawal.objects.values_list("state", flat=True)) == {"cancelled"}
    first.entry.refresh_from_db()
    token.refresh_from_db()
    assert first.entry.removed_at is not None
    assert token.revoked_at is not None
