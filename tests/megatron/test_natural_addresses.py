"""Addresses that people type without looking lead to where the page is, for good."""

import pytest
from django.test import Client

from exchange.models import User
from megatron.urls import NATURAL

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("typed", "name"), NATURAL)
def test_a_natural_address_leads_on(client: Client, alice: User, typed: str, name: str) -> None:
    client.force_login(alice)

    answer = client.get(f"/{typed}?q=oil")

    assert answer.status_code == 301
    assert answer["Location"].endswith("?q=oil")
    assert client.get(answer["Location"]).status_code in {200, 302}
    assert client.get(f"/{typed.rstrip('/')}")["Location"] == f"/{typed}"


@pytest.mark.parametrize("address", ["/", "/sessions/", "/liquidity/", "/help/", "/reserves/"])
def test_what_is_public_is_there_for_everybody(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ["/account/", "/wallet/", "/portfolio/"])
def test_what_is_ones_own_asks_who_comes(client: Client, alice: User, address: str) -> None:
    assert client.get(address)["Location"] == f"/accounts/login/?next={address}"
    client.force_login(alice)
    assert client.get(address).status_code == 200
