from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from exchange.models import Market, Stake, User
from exchange.selectors import portfolio
from tests.factories import active_market, buy, contribute, funded_user, key, open_market, usdc
from tests.web.pages import form, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]
ADDRESS = "/markets/new-idea/contributions/"


@pytest.fixture
def market() -> Market:
    return open_market("new-idea", soft_cap="1000", hard_cap="2000")


def test_reviews_before_it_takes_anything(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)
    sent = form(client.get("/markets/new-idea/"), ADDRESS)

    with nothing_happened():
        page = text(client.post(ADDRESS, sent | {"amount": "400"})).replace("\u202f", " ")

    assert "Your part of the pool right after 100.00 %" in page
    assert "7 25 % 100.00" in page
    assert "180 100 % 400.00" in page


def test_contributes_after_the_review(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    review = client.post(ADDRESS, {"amount": "400", "key": key()})

    response = client.post(ADDRESS, form(review, ADDRESS), follow=True)

    assert "Contributed 400.00 USDC" in text(response)
    assert Stake.objects.get().units_nano == usdc("400") * 1000
    assert portfolio.money(alice).cash_micro == usdc("600")


def test_says_when_the_market_opens_with_it(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    sent = {"amount": "1000", "key": key(), "step": "confirm"}

    response = client.post(ADDRESS, sent, follow=True)

    assert "the market trades now" in text(response)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("9.999999", "The smallest contribution is 10.00 USDC."),
        ("1000.000001", "Need 0.000001 USDC more"),
        ("1e3", "“1e3” is not an amount of USDC"),
        ("", "Enter a figure."),
    ],
)
def test_refuses_with_the_number_and_keeps_the_input(
    client: Client, alice: User, nothing_happened: Watch, amount: str, words: str
) -> None:
    open_market("new-idea", soft_cap="1000", hard_cap="2000")
    client.force_login(alice)

    with nothing_happened():
        response = client.post(ADDRESS, {"amount": amount, "key": key(), "step": "confirm"})

    assert response.status_code == 422
    assert words in text(response)
    assert form(response, ADDRESS)["amount"] == amount


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("9.999999", "The smallest contribution is 10.00 USDC."),
        ("2000.000001", "The pool takes 2 000.00 USDC more before it is full."),
    ],
)
def test_what_would_be_refused_for_its_size_is_not_put_up_for_confirmation(
    client: Client, alice: User, amount: str, words: str
) -> None:
    open_market("new-idea", soft_cap="1000", hard_cap="2000")
    client.force_login(alice)

    response = client.post(ADDRESS, {"amount": amount, "key": key()})

    assert response.status_code == 422
    assert words in text(response).replace("\u202f", " ")
    assert form(response, ADDRESS)["amount"] == amount


def test_refuses_a_stranger(client: Client, market: Market, nothing_happened: Watch) -> None:
    with nothing_happened():
        response = client.post(ADDRESS, {"amount": "10", "key": key(), "step": "confirm"})

    assert response.status_code == 302


def test_pays_out_fees(client: Client, alice: User, bob: User) -> None:
    market = open_market("new-idea", soft_cap="1000")
    contribute(alice, market, "1000")
    buy(bob, market, "4")
    client.force_login(alice)
    page = client.get("/markets/new-idea/?tab=pool")

    response = client.post(
        "/markets/new-idea/claims/", form(page, "/markets/new-idea/claims/"), follow=True
    )

    assert "Claimed fees 0.018 USDC" in text(response)
    assert portfolio.money(alice).cash_micro == usdc("0.018")


def test_pays_nothing_to_who_has_no_stake(
    client: Client, charlie: User, nothing_happened: Watch
) -> None:
    market = active_market("new-idea")
    buy(funded_user("100"), market, "100")
    client.force_login(charlie)

    with nothing_happened():
        response = client.post("/markets/new-idea/claims/", {"key": key()}, follow=True)

    assert "There is nothing to pay out yet." in text(response)
