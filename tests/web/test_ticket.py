from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from exchange.errors import Unavailable
from exchange.models import Command, Fill, LiveState, Market, User
from exchange.selectors import portfolio
from exchange.services import orders
from tests.factories import active_market, buy, funded_user, key, open_market, sell, usdc
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]
PREVIEW = "/markets/wheat-price/preview/"
ORDERS = "/markets/wheat-price/orders/"


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price")


def _ticket(**changes: str) -> dict[str, str]:
    ticket = {
        "side": "buy",
        "mode": "amount",
        "quantity": "100",
        "bound_as": "percent",
        "bound": "",
    }
    return ticket | changes


def _confirm(client: Client, **changes: str) -> dict[str, str]:
    """Preview a ticket without scripts and return the form that would place it."""
    return form(client.post(PREVIEW, _ticket(**changes)), ORDERS)


def _said(client: Client, **changes: str) -> str:
    return text(client.post(PREVIEW, _ticket(**changes))).replace("\u202f", " ")


def test_previews_for_a_visitor(client: Client, market: Market, nothing_happened: Watch) -> None:
    with nothing_happened():
        page = _said(client)

    assert "Buy 9.93" in page
    assert "for 100.00 USDC" in page
    assert "0.45 to providers 0.05 to treasury" in page
    assert "Leaving at once returns" in page
    assert " 99.00 \u22121.00 " in page
    assert "Sign in to buy" in page


def test_sends_a_visitor_back_to_the_same_ticket(client: Client, market: Market) -> None:
    page = body(client.post(PREVIEW, _ticket(quantity="25")))

    assert "/accounts/login/?next=/markets/wheat-price/%3Fside%3Dbuy" in page
    assert "quantity%3D25" in page


def test_a_link_carries_a_ticket(client: Client, market: Market) -> None:
    page = text(client.get("/markets/wheat-price/?side=buy&quantity=25"))

    assert "for 25.00 USDC" in page


def test_quick_amounts_work_without_scripts(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    page = _said(client, quick="mode=amount&quantity=300", quantity="")

    assert "for 300.00 USDC" in page


def test_preview_is_a_fragment_for_scripts(client: Client, market: Market) -> None:
    response = client.post(PREVIEW, _ticket(), headers={"HX-Request": "true"})

    assert body(response).lstrip().startswith('<div id="preview"')


def test_places_an_order_without_scripts(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    response = client.post(ORDERS, _confirm(client), follow=True)

    assert response.redirect_chain[0][1] == 302
    assert "Bought 9.93" in text(response)
    assert portfolio.money(alice).cash_micro == usdc("900")
    assert Fill.objects.get().user == alice


def test_preview_equals_receipt(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    sent = _confirm(client, quantity="137.31")

    client.post(ORDERS, sent)

    result = Command.objects.filter(user=alice).latest("id").result
    previewed = _said(client, quantity="137.31")
    assert result is not None
    assert result["net_micro"] == usdc("137.31")
    assert "for 137.31 USDC" in previewed


def test_buys_a_number_of_shares(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    client.post(ORDERS, _confirm(client, mode="shares", quantity="2.5"))

    assert Fill.objects.get().shares_nano == 2_500_000_000


def test_sells_what_is_held(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")
    client.force_login(alice)

    client.post(ORDERS, _confirm(client, side="sell", mode="shares", quantity="4"))

    assert Fill.objects.filter(side="sell").get().shares_nano == 4_000_000_000


def test_a_sale_for_an_amount_is_confirmed_as_shares(
    client: Client, market: Market, alice: User
) -> None:
    buy(alice, market, "100")
    client.force_login(alice)

    sent = _confirm(client, side="sell", quantity="50")

    assert sent["mode"] == "shares"
    assert sent["quantity"].startswith("4.99")


def test_sends_a_stranger_to_sign_in(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)
    sent = _confirm(client)
    client.logout()

    with nothing_happened():
        response = client.post(ORDERS, sent)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/markets/wheat-price/%3F")
    assert "quantity%3D100" in response["Location"]


def test_one_form_acts_once(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    sent = _confirm(client)

    first, second = client.post(ORDERS, sent), client.post(ORDERS, sent)

    assert first["Location"] == second["Location"]
    assert Fill.objects.count() == 1


def test_a_key_used_for_something_else_is_refused_and_renewed(
    client: Client, market: Market, alice: User
) -> None:
    client.force_login(alice)
    sent = _confirm(client)
    client.post(ORDERS, sent)

    response = client.post(ORDERS, sent | {"quantity": "50", "limit": "1"})

    assert response.status_code == 422
    assert "already used for another order" in text(response)
    assert form(response, ORDERS)["key"] != sent["key"]
    assert Fill.objects.count() == 1


def test_keeps_input_and_renews_the_key_after_a_refusal(
    client: Client, market: Market, alice: User, bob: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)
    sent = _confirm(client, quantity="100", bound="0")
    buy(bob, market, "100")

    with nothing_happened():
        response = client.post(ORDERS, sent)

    assert response.status_code == 422
    assert "The price moved past the worst you accept" in text(response)
    again = form(response, ORDERS)
    assert again["quantity"] == "100"
    assert again["key"] != sent["key"]
    assert again["limit"] != sent["limit"]


@pytest.mark.parametrize("cash", ["99.999999", "100", "100.000001"])
def test_needs_exactly_the_cash_it_takes(client: Client, market: Market, cash: str) -> None:
    client.force_login(funded_user(cash))

    page = _said(client)

    assert ("Need 0.000001 USDC more" in page) == (cash == "99.999999")


def test_offers_the_size_that_would_pass(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    response = client.post(PREVIEW, _ticket(quantity="999"))

    assert "The most that passes now is" in text(response)
    assert 'name="quick" value="mode=amount&amp;quantity=' in body(response)


def test_refuses_to_sell_what_is_not_held(
    client: Client, market: Market, alice: User, charlie: User, nothing_happened: Watch
) -> None:
    buy(alice, market, "100")
    client.force_login(charlie)
    sent = _ticket(side="sell", mode="shares", quantity="1", reduce_only="on")

    with nothing_happened():
        response = client.post(ORDERS, {**sent, "limit": "0", "key": key()})

    assert response.status_code == 422
    assert "Nothing was done." in text(response)


def test_refuses_to_buy_where_only_closing_is_possible(
    client: Client, market: Market, alice: User
) -> None:
    buy(alice, market, "100")
    User.objects.filter(pk=alice.pk).update(opens_barred=True)
    client.force_login(alice)

    assert "You can still close what you hold." in _said(client)
    assert "Sell 1.0000" in _said(client, side="sell", mode="shares", quantity="1")


def test_says_that_a_funded_market_does_not_trade_yet(client: Client, alice: User) -> None:
    open_market("wheat-price")
    client.force_login(alice)
    sent = {**_ticket(), "limit": "1", "key": key()}

    response = client.post(ORDERS, sent)

    assert response.status_code == 422


@pytest.mark.parametrize(
    ("bound_as", "bound", "words"),
    [
        ("price", "11", "Worst price accepted 11.0000"),
        ("price", "9", "The price moved past the worst you accept"),
        ("percent", "0", "Worst price accepted 10.0"),
        ("percent", "60", "At most 50 %."),
        ("percent", "-1", "“-1” is not a percentage"),
    ],
)
def test_bounds_by_percent_or_price(
    client: Client, market: Market, bound_as: str, bound: str, words: str
) -> None:
    assert words in _said(client, bound_as=bound_as, bound=bound)


def test_a_lost_answer_keeps_the_key(
    client: Client, market: Market, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(alice)
    sent = _confirm(client)

    def lose(**_: object) -> None:
        raise Unavailable("no answer in time", code="busy")

    monkeypatch.setattr(orders, "order_place", lose)
    response = client.post(ORDERS, sent)

    assert response.status_code == 503
    assert "We are checking" in text(response)
    assert form(response, ORDERS)["key"] == sent["key"]


def test_the_truth_by_key_is_the_receipt(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    sent = _confirm(client)
    placed = client.post(ORDERS, sent)

    response = client.get(f"{ORDERS}status/?key={sent['key']}")

    assert response["Location"] == placed["Location"]


def test_the_truth_by_key_is_that_it_never_arrived(
    client: Client, market: Market, alice: User
) -> None:
    client.force_login(alice)

    assert "This order never arrived" in text(client.get(f"{ORDERS}status/?key={key()}"))


def test_anothers_key_never_arrived(
    client: Client, market: Market, alice: User, charlie: User
) -> None:
    mine = key()
    buy(alice, market, "10", key_=mine)
    client.force_login(charlie)

    assert "This order never arrived" in text(client.get(f"{ORDERS}status/?key={mine}"))


def test_a_halted_market_answers_with_its_rule(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)
    sent = _confirm(client)
    LiveState.objects.filter(market=market).update(halt_rule="invariant")

    with nothing_happened():
        response = client.post(ORDERS, sent)

    assert response.status_code == 422
    assert "This market halted itself by the rule “invariant”" in text(response)


def test_exit_value_of_everything_sold_is_nothing(
    client: Client, market: Market, alice: User
) -> None:
    receipt = buy(alice, market, "100")
    sell(alice, market, receipt.result["shares_nano"])
    client.force_login(alice)

    assert "You hold no" in text(client.get("/markets/wheat-price/"))
