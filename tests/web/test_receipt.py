import pytest
from django.test import Client

from exchange.errors import Unprocessable
from exchange.ids import public_id
from exchange.models import Command, User
from tests.factories import active_market, buy, command, sell
from tests.web.pages import text

pytestmark = pytest.mark.django_db


def _receipt(client: Client, order: int) -> str:
    page = client.get(f"/orders/{public_id('ord', order)}/")
    assert page.status_code == 200
    return text(page).replace("\u202f", " ")


def test_says_who_paid_what_to_whom(client: Client, alice: User) -> None:
    receipt = buy(alice, active_market(), "100")
    client.force_login(alice)

    page = _receipt(client, receipt.id)

    assert "You Pool the shares, along the curve 99.50" in page
    assert "You Liquidity providers their part of the fee 0.45" in page
    assert "You Treasury the rest of the fee 0.05" in page


def test_says_where_the_price_was_and_went(client: Client, alice: User) -> None:
    receipt = buy(alice, active_market(), "100")
    client.force_login(alice)

    assert "10.0000 → 10.0248 +0.24 %" in _receipt(client, receipt.id)


def test_says_what_a_sale_realised(client: Client, alice: User) -> None:
    market = active_market()
    bought = buy(alice, market, "100")
    sold = sell(alice, market, bought.result["shares_nano"])
    client.force_login(alice)

    page = _receipt(client, sold.id)

    assert "You received in all 99.002" in page
    assert "Realised, before fees" in page
    assert "Pool You the shares, along the curve" in page


def test_says_why_it_was_refused(client: Client, alice: User) -> None:
    market = active_market()
    with pytest.raises(Unprocessable):
        command(alice, market, "sell", shares_nano=10**9, reduce_only=True)
    client.force_login(alice)

    page = _receipt(client, Command.objects.latest("id").pk)

    assert "The market refused this order" in page
    assert "You hold nothing here that could be sold." in page
    assert "nothing was charged" in page


def test_belongs_to_its_owner_alone(client: Client, alice: User, charlie: User) -> None:
    receipt = buy(alice, active_market(), "100")
    client.force_login(charlie)

    assert client.get(f"/orders/{public_id('ord', receipt.id)}/").status_code == 404


@pytest.mark.parametrize(
    "name", ["ord_", "ord_0000000000001", "tok_0000000000001", "x", "ord_zzzzzzzzzzzzz"]
)
def test_no_such_receipt(client: Client, alice: User, name: str) -> None:
    client.force_login(alice)

    assert client.get(f"/orders/{name}/").status_code == 404
