from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from exchange.models import Market, Position, User
from tests.factories import active_market, buy, key, short, usdc
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]
PREVIEW = "/markets/wheat-price/collateral/preview/"
CHANGE = "/markets/wheat-price/collateral/"


@pytest.fixture
def market(alice: User) -> Market:
    market = active_market("wheat-price")
    short(alice, market, "5")
    return market


def test_previews_the_new_level(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)

    with nothing_happened():
        response = client.post(PREVIEW, {"way": "add", "amount": "20"})

    page = text(response)
    assert "In escrow after 119.9375" in page
    assert "16.6562 → 19.9895" in page
    assert "Add 20.00 USDC" in page


def test_changes_it_as_previewed(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    sent = form(client.post(PREVIEW, {"way": "add", "amount": "20"}), CHANGE)

    first, second = client.post(CHANGE, sent), client.post(CHANGE, sent, follow=True)

    assert Position.objects.get(user=alice).escrow_micro == 119_937_500
    assert first["Location"] == second.redirect_chain[0][0]
    assert "You Your escrow more collateral 20.00" in text(second)


def test_takes_out_down_to_the_initial_margin(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)
    too_much = {"way": "remove", "amount": "50"}

    with nothing_happened():
        page = text(client.post(PREVIEW, too_much))
        refused = client.post(CHANGE, too_much | {"key": key()})

    assert "At most 24.8" in page
    assert refused.status_code == 422
    client.post(CHANGE, {"way": "remove", "amount": "24", "key": key()})
    assert Position.objects.get(user=alice).escrow_micro == 99_937_500 - usdc("24")


def test_is_a_fragment_for_scripts(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    response = client.post(PREVIEW, {"way": "add", "amount": "20"}, headers={"HX-Request": "true"})

    assert body(response).lstrip().startswith('<div id="collateral-preview"')


@pytest.mark.parametrize("amount", ["", "0", "-1", "1e3"])
def test_keeps_malformed_input(
    client: Client, market: Market, alice: User, nothing_happened: Watch, amount: str
) -> None:
    client.force_login(alice)

    with nothing_happened():
        response = client.post(CHANGE, {"way": "add", "amount": amount, "key": key()})

    assert response.status_code == 422


def test_a_long_and_a_stranger_have_none(
    client: Client, market: Market, bob: User, charlie: User, nothing_happened: Watch
) -> None:
    buy(bob, market, "50")
    for person in (bob, charlie):
        client.force_login(person)
        with nothing_happened():
            response = client.post(CHANGE, {"way": "add", "amount": "5", "key": key()})
        assert response.status_code == 422
        assert 'id="collateral"' not in body(client.get("/markets/wheat-price/"))
