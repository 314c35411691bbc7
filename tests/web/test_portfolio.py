import csv
import io

import pytest
from django.test import Client

from exchange import spreadsheet
from exchange.engines.units import parse_fixed
from exchange.errors import Unprocessable
from exchange.models import Market, Position, User
from tests.factories import active_market, buy, command, contribute, open_market
from tests.web.pages import text

pytestmark = pytest.mark.django_db


def _rows(client: Client, name: str) -> list[list[str]]:
    response = client.get(f"/portfolio/{name}.csv")
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode())))


def test_offers_a_beginning_to_who_has_nothing(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = text(client.get("/portfolio/"))

    assert "Your positions will stand here" in page
    assert "Find a market" in page


def test_values_positions_at_what_leaving_pays(client: Client, alice: User) -> None:
    buy(alice, active_market(), "100")
    client.force_login(alice)

    page = text(client.get("/portfolio/")).replace("\u202f", " ")

    assert "Cash 900.00" in page
    assert "Positions 99.00" in page
    assert "999.00 USDC" in page
    assert "▼ loss \u22120.50" in page


def test_keeps_refused_orders_with_the_reason(client: Client, alice: User) -> None:
    with pytest.raises(Unprocessable):
        command(alice, active_market(), "sell", shares_nano=10**9, reduce_only=True)
    client.force_login(alice)

    page = text(client.get("/portfolio/"))

    assert "Refused" in page
    assert "You hold nothing here that could be sold." in page


def test_shows_fills_and_stakes(client: Client, alice: User) -> None:
    market = open_market("new-idea", soft_cap="500")
    contribute(alice, market, "500")
    buy(alice, market, "10")
    client.force_login(alice)

    page = text(client.get("/portfolio/?tab=fills")).replace("\u202f", " ")

    assert "▲ Buy" in page
    assert "0.045 USDC of fees to claim" in page


def test_shows_nothing_of_others(client: Client, alice: User, charlie: User) -> None:
    buy(alice, active_market("secret-plan"), "100")
    client.force_login(charlie)

    assert "Secret Plan" not in text(client.get("/portfolio/"))
    assert len(_rows(client, "orders")) == 1
    assert len(_rows(client, "fills")) == 1
    assert len(_rows(client, "positions")) == 1


def test_files_repeat_the_page_exactly(client: Client, alice: User) -> None:
    market = active_market()
    receipt = buy(alice, market, "100")
    client.force_login(alice)

    order, fill, position = (_rows(client, name)[1] for name in ("orders", "fills", "positions"))

    assert parse_fixed(order[7], 6) == receipt.result["net_micro"]
    assert parse_fixed(fill[3], 9) == receipt.result["shares_nano"]
    assert parse_fixed(position[1], 9) == Position.objects.get(user=alice).shares_nano
    assert position[5].startswith("-0.")


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    '=HYPERLINK("http://x")',
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "=cmd|'/C calc'!A0",
    "\u00a0=1",
]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_is_a_formula(client: Client, alice: User, name: str) -> None:
    market = active_market()
    buy(alice, market, "10")
    Market.objects.filter(pk=market.pk).update(name=name)
    client.force_login(alice)

    for row in (
        _rows(client, "orders")[1],
        _rows(client, "fills")[1],
        _rows(client, "positions")[1],
    ):
        assert f"'{name}" in row


@pytest.mark.parametrize("name", ["Wheat", "1 = 1", "a-b", "it's", 'say "x", y', "x\ny"])
def test_harmless_text_comes_back_unchanged(name: str) -> None:
    file = spreadsheet.csv_file("x.csv", ["name"], [[name]])

    assert list(csv.reader(io.StringIO(file.content.decode(), newline="")))[1] == [name]


def test_numbers_come_back_exactly() -> None:
    figures = [
        spreadsheet.figure(-1, 6),
        spreadsheet.figure(10**17 + 1, 12),
        spreadsheet.figure(0, 9),
    ]
    file = spreadsheet.csv_file("x.csv", ["a", "b", "c"], [figures])

    assert file.content.decode().splitlines()[1] == "-0.000001,100000.000000000001,0.000000000"
