"""What waits: listed, taken back one by one or all at once, and nobody else's."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from exchange.engines.units import parse_fixed
from exchange.models import Market, RestingOrder, User
from exchange.selectors import portfolio
from tests.factories import active_market, buy, command, key, oracle_moves, short, usdc
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price")


def _limit(user: User, market: Market, price: str = "9.5") -> RestingOrder:
    receipt = command(
        user,
        market,
        "limit",
        intent="open_long",
        shares_nano=10**9,
        price_pico=parse_fixed(price, 12),
    )
    return RestingOrder.objects.get(market=market, ref=receipt.result["id"])


def _cancel(row: RestingOrder) -> str:
    return f"/markets/{row.market.slug}/orders/{row.ref}/cancel/"


def test_lists_what_waits_and_what_it_locks(client: Client, market: Market, alice: User) -> None:
    _limit(alice, market)
    client.force_login(alice)

    page = text(client.get("/markets/wheat-price/"))

    assert "Open orders 1" in page
    assert "Buy, opening a long 1.0000 at 9.5000" in page
    assert "10.00 USDC locked" in page


def test_takes_one_back_without_scripts(client: Client, market: Market, alice: User) -> None:
    row = _limit(alice, market)
    client.force_login(alice)
    sent = form(client.get("/markets/wheat-price/"), _cancel(row))

    response = client.post(_cancel(row), sent, follow=True)

    row.refresh_from_db()
    assert row.status == "cancelled"
    assert "Order taken back" in text(response)
    assert portfolio.money(alice).cash_micro == usdc("1000")


def test_takes_one_back_in_place_for_scripts(client: Client, market: Market, alice: User) -> None:
    row = _limit(alice, market)
    client.force_login(alice)

    response = client.post(_cancel(row), {"key": key()}, headers={"HX-Request": "true"})

    assert "10.00 USDC are free again" in text(response)
    assert "Receipt" in text(response)
    assert "<html" not in body(response)


def test_one_form_takes_back_once(client: Client, market: Market, alice: User) -> None:
    row = _limit(alice, market)
    client.force_login(alice)
    sent = form(client.get("/markets/wheat-price/"), _cancel(row))

    first, second = client.post(_cancel(row), sent), client.post(_cancel(row), sent)

    assert first["Location"] == second["Location"]


def test_says_that_it_waits_no_longer(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    row = _limit(alice, market)
    command(alice, market, "cancel", ref=row.ref)
    client.force_login(alice)

    with nothing_happened():
        response = client.post(_cancel(row), {"key": key()})

    assert response.status_code == 422
    assert "This order waits no longer" in text(response)


def test_anothers_order_does_not_exist(
    client: Client, market: Market, alice: User, charlie: User, nothing_happened: Watch
) -> None:
    row = _limit(alice, market)
    client.force_login(charlie)

    with nothing_happened():
        response = client.post(_cancel(row), {"key": key()})

    assert response.status_code == 404
    assert "9.5000" not in text(client.get("/markets/wheat-price/open-orders/"))


def test_takes_all_back_in_one_market(client: Client, market: Market, alice: User) -> None:
    other = active_market("other-thing")
    for where, price in ((market, "9.5"), (market, "9.4"), (other, "9.5")):
        _limit(alice, where, price)
    client.force_login(alice)

    response = client.post(
        "/markets/wheat-price/orders/cancel-all/", {"key": key()}, headers={"HX-Request": "true"}
    )

    assert "2 orders were taken back" in text(response)
    assert RestingOrder.objects.get(user=alice, status="open").market == other


def test_takes_all_back_everywhere_and_only_ones_own(
    client: Client, market: Market, alice: User, bob: User
) -> None:
    _limit(alice, market)
    _limit(alice, active_market("other-thing"))
    theirs = _limit(bob, market)
    client.force_login(alice)
    sent = form(client.get("/portfolio/"), "/portfolio/cancel-all/")

    first = client.post("/portfolio/cancel-all/", sent, follow=True)
    again = client.post("/portfolio/cancel-all/", sent, follow=True)
    anew = client.post("/portfolio/cancel-all/", {"key": key()}, follow=True)

    theirs.refresh_from_db()
    assert "2 orders were taken back; 20.00 USDC are free again" in text(first)
    assert "2 orders were taken back." in text(again)
    assert "There was nothing left to take back" in text(anew)
    assert theirs.status == "open"


def test_the_portfolio_links_money_to_what_locks_it(
    client: Client, market: Market, alice: User
) -> None:
    _limit(alice, market)
    short(alice, active_market("other-thing"), "5")
    client.force_login(alice)

    page = text(client.get("/portfolio/")).replace("\u202f", " ")

    assert "Reserved in 1 order 10.00" in page
    assert "Escrow of 1 short 99.93" in page
    assert "▼ Short" in page
    assert "16.65" in page


def test_open_orders_come_as_a_file(client: Client, market: Market, alice: User) -> None:
    row = _limit(alice, market)
    client.force_login(alice)

    lines = client.get("/portfolio/open-orders.csv").content.decode().splitlines()

    assert lines[1].startswith(f"{row.ref},")
    assert lines[1].endswith(",1.000000000,1.000000000,9.500000000000,10.000000")


def test_the_chart_knows_lines_and_marks(client: Client, market: Market, alice: User) -> None:
    short(alice, market, "5")
    command(alice, market, "targets", stop_pico=11 * 10**12, target_pico=9 * 10**12)
    row = _limit(alice, market)
    client.force_login(alice)

    page = body(client.get("/markets/wheat-price/position/"))
    source = page.partition('id="own-lines" type="application/json">')[2].partition("<")[0]
    own = json.loads(source)

    assert (own["side"], own["shares"], own["stop"], own["target"]) == ("short", "5", "11", "9")
    assert own["limits"][0] == {
        "ref": row.ref,
        "side": "buy",
        "closes": False,
        "price": "9.5",
        "shares": "1",
        "margin": "",
    }
    assert own["fills"][0]["cause"] == "command"
    assert own["liquidation"].startswith("16.65")


def test_own_news_are_what_others_set_off(client: Client, alice: User, bob: User) -> None:
    market = active_market("wheat-price", day_max="1", beta="1")
    buy(alice, market, "50")
    command(alice, market, "targets", stop_pico=95 * 10**11, target_pico=None)
    client.force_login(alice)
    page = body(client.get("/markets/wheat-price/"))
    since = page.partition("/news/?since=")[2].partition('"')[0]

    before = text(client.get(f"/markets/wheat-price/news/?since={since}"))
    oracle_moves(market, -30, times=4)
    after = client.get(f"/markets/wheat-price/news/?since={since}")

    assert before.strip() == ""
    assert "Stop-loss: sold" in text(after)
    assert "/fills/fil_" in body(after)
    client.force_login(bob)
    assert text(client.get("/markets/wheat-price/news/?since=0")).strip() == ""
