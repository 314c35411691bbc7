"""Limit orders, stops and targets, timed exits: previewed, placed, listed, taken back."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from exchange import clock
from exchange.models import Market, Position, RestingOrder, User
from exchange.selectors import portfolio
from exchange.services import markets
from tests.factories import active_market, buy, command, funded_user, key, short, usdc
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]
PREVIEW = "/markets/wheat-price/preview/"
ORDERS = "/markets/wheat-price/orders/"


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price")


def _limit(**changes: str) -> dict[str, str]:
    ticket = {"type": "limit", "side": "buy", "mode": "shares", "quantity": "10", "price": "9.5"}
    return ticket | changes


def _said(client: Client, ticket: dict[str, str]) -> str:
    return text(client.post(PREVIEW, ticket)).replace("\u202f", " ")


def _place(client: Client, ticket: dict[str, str]) -> str:
    sent = form(client.post(PREVIEW, ticket), ORDERS)
    return text(client.post(ORDERS, sent, follow=True)).replace("\u202f", " ")


def test_a_limit_says_what_fills_rests_and_is_locked(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)

    with nothing_happened():
        page = _said(client, _limit())

    assert "Buy, opening a long: 10.0000" in page
    assert "at 9.5000 or less" in page
    assert "Fills now nothing" in page
    assert "Rests 10.0000" in page
    assert "Before it in line nobody" in page
    assert "Locked while it rests 100.00 USDC" in page
    assert "Cash after 900.00" in page


def test_a_limit_locks_as_it_was_previewed(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    page = _place(client, _limit())

    row = RestingOrder.objects.get(user=alice)
    assert row.reserved_micro == usdc("100")
    assert "Limit order placed" in page
    assert "Filled so far 0.0000 of 10.0000" in page
    assert "Cancel this order" in page


def test_a_limit_beyond_the_price_fills_at_once(
    client: Client, market: Market, alice: User
) -> None:
    client.force_login(alice)

    page = _said(client, _limit(price="10.05", quantity="10"))
    _place(client, _limit(price="10.05", quantity="10"))

    assert "Fills now 10.0000" in page
    assert "Rests nothing" in page
    assert RestingOrder.objects.get(user=alice).status == "filled"


def test_an_amount_buys_what_it_can_reserve(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    _place(client, _limit(mode="amount", quantity="95"))

    row = RestingOrder.objects.get(user=alice)
    assert row.reserved_micro == usdc("95")
    assert row.item["shares_nano"] == 9_500_000_000


def test_a_limit_tells_who_is_before_it(client: Client, market: Market, alice: User) -> None:
    other = funded_user("1000")
    command(
        other, market, "limit", intent="open_long", shares_nano=4 * 10**9, price_pico=96 * 10**11
    )
    client.force_login(alice)

    assert "Before it in line 1 order 4.0000 shares" in _said(client, _limit())
    assert "Before it in line nobody" in _said(client, _limit(price="9.7"))


def test_those_who_close_are_in_the_same_line(client: Client, market: Market, alice: User) -> None:
    other = funded_user("1000")
    short(other, market, "4")
    command(other, market, "limit", intent="close_short", shares_nano=10**9, price_pico=96 * 10**11)
    client.force_login(alice)

    assert "Before it in line 1 order 1.0000 shares" in _said(client, _limit())


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"price": "0"}, "price", "Limit price: enter more than zero."),
        ({"price": ""}, "price", "Limit price: enter a figure."),
        ({"price": "1,5"}, "price", "“1,5” is not a price."),
        ({"quantity": "-2"}, "quantity", "“-2” is not a number of shares."),
        ({"type": "protect", "stop": "0"}, "stop", "Stop-loss: enter more than zero."),
        ({"type": "exit", "chunks": "0", "every": "5"}, "chunks", "In parts: from 1 to 100."),
        ({"type": "exit", "chunks": "2", "every": "x"}, "every", "Minutes apart: from 1 to 10080."),
    ],
)
def test_what_is_wrong_names_its_field_and_leads_there(
    client: Client, market: Market, changes: dict[str, str], field: str, words: str
) -> None:
    page = client.post(PREVIEW, _limit(**changes), headers={"HX-Request": "true"})

    assert f'<a href="#id_{field}">{words}' in body(page)
    assert "Enter a size" not in body(page)


def test_one_that_cannot_fill_yet_says_so(client: Client, market: Market, alice: User) -> None:
    short(alice, market, "4")
    client.force_login(alice)

    page = _said(client, _limit(price="10.5"))
    _place(client, _limit(price="10.5"))

    assert "It does not fill while you hold the other side." in page
    assert "once you no longer hold the other side" in text(client.get("/markets/wheat-price/"))


def test_a_limit_that_opens_a_short_brings_its_margin(
    client: Client, market: Market, alice: User
) -> None:
    client.force_login(alice)

    page = _said(client, _limit(side="sell", price="10.5"))
    _place(client, _limit(side="sell", price="10.5"))

    row = RestingOrder.objects.get(user=alice)
    assert "Liquidation level once filled ≈ " in page
    assert row.item["intent"] == "open_short"
    assert row.reserved_micro > usdc("105")


def test_a_limit_that_closes_locks_nothing(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")
    client.force_login(alice)

    page = _said(client, _limit(side="sell", price="10.5", quantity="5", reduce_only="on"))
    _place(client, _limit(side="sell", price="10.5", quantity="5", reduce_only="on"))

    assert "It locks nothing" in page
    assert RestingOrder.objects.get(user=alice).item["intent"] == "close_long"


def test_refuses_a_limit_that_cannot_be_paid(
    client: Client, market: Market, nothing_happened: Watch
) -> None:
    client.force_login(funded_user("50"))
    sent = _limit() | {"intent": "open_long", "key": key()}

    page = client.post(PREVIEW, _limit())
    with nothing_happened():
        response = client.post(ORDERS, sent)

    assert "Cannot be placed like this" in text(page)
    assert 'value="mode=shares&amp;quantity=5&amp;' in body(page)
    assert response.status_code == 422


def test_a_dragged_limit_is_taken_back_and_placed_anew(
    client: Client, market: Market, alice: User
) -> None:
    client.force_login(alice)
    _place(client, _limit())
    old = RestingOrder.objects.get(user=alice)

    moved = _limit(price="9.6", replaces=str(old.ref))
    page = _said(client, moved)
    _place(client, moved)

    old.refresh_from_db()
    new = RestingOrder.objects.filter(user=alice).latest("id")
    assert "Move the limit order at 9.6000" in page
    assert "Cash after 898.94" in page
    assert (old.status, new.status) == ("cancelled", "open")
    assert portfolio.money(alice).reserved_micro == new.reserved_micro


def test_one_that_filled_is_not_placed_again(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)
    _place(client, _limit())
    old = RestingOrder.objects.get(user=alice)
    sent = form(client.post(PREVIEW, _limit(price="9.6", replaces=str(old.ref))), ORDERS)
    command(alice, market, "cancel", ref=old.ref)

    with nothing_happened():
        response = client.post(ORDERS, sent)

    assert response.status_code == 422
    assert not RestingOrder.objects.filter(user=alice, status="open").exists()


def test_stop_and_target_are_previewed_and_set(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")
    client.force_login(alice)
    asked = {"type": "protect", "stop": "9.5", "target": "11"}

    page = _said(client, asked)
    receipt = _place(client, asked)

    row = Position.objects.get(user=alice)
    assert "Set a stop-loss at 9.5000 and a take-profit at 11.0000" in page
    assert "Would return about ≈ 93." in page
    assert [row.stop_pico, row.target_pico] == [95 * 10**11, 11 * 10**12]
    assert "Stop-loss 9.5000" in receipt
    assert "Stop-loss 9.5000 Take-profit 11.0000" in text(client.get("/markets/wheat-price/"))


def test_a_stop_on_the_wrong_side_is_refused(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    buy(alice, market, "100")
    client.force_login(alice)

    with nothing_happened():
        page = _said(client, {"type": "protect", "stop": "12", "target": ""})
        sent = {"type": "protect", "stop": "12", "target": "", "key": key()}
        response = client.post(ORDERS, sent)

    assert "Cannot be placed like this" in page
    assert response.status_code == 422


def test_emptying_both_removes_them(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")
    command(alice, market, "targets", stop_pico=95 * 10**11, target_pico=None)
    client.force_login(alice)

    page = _said(client, {"type": "protect", "stop": "", "target": ""})
    _place(client, {"type": "protect", "stop": "", "target": ""})

    assert "Remove the stop-loss and the take-profit" in page
    assert Position.objects.get(user=alice).stop_pico is None


def test_a_timed_exit_is_previewed_and_started(client: Client, market: Market, alice: User) -> None:
    short(alice, market, "6")
    client.force_login(alice)
    asked = {"type": "exit", "quantity": "6", "chunks": "3", "every": "10"}

    page = _said(client, asked)
    receipt = _place(client, asked)
    markets.heartbeat(market.pk, clock.now_s())

    assert "Close 6.0000" in page
    assert "in 3 parts, one every 10 min" in page
    assert "Each part 2.0000" in page
    assert "Timed exit started" in receipt
    assert Position.objects.get(user=alice).shares_nano == -4_000_000_000
    assert "part 2 of 3 next" in text(client.get("/markets/wheat-price/"))


@pytest.mark.parametrize(
    "changes",
    [{"chunks": "0"}, {"chunks": "101"}, {"every": "0"}, {"every": "x"}, {"quantity": "-1"}],
)
def test_a_malformed_exit_is_refused(
    client: Client,
    market: Market,
    alice: User,
    nothing_happened: Watch,
    changes: dict[str, str],
) -> None:
    short(alice, market, "6")
    client.force_login(alice)
    asked = {"type": "exit", "quantity": "6", "chunks": "3", "every": "10", "key": key()}

    with nothing_happened():
        response = client.post(ORDERS, asked | changes)

    assert response.status_code == 422
