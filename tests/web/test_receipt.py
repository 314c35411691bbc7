import pytest
from django.test import Client

from exchange.errors import Unprocessable
from exchange.ids import public_id
from exchange.models import Command, User
from tests.factories import active_market, buy, command, sell, short
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


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        (
            "limit",
            {"intent": "close_short", "shares_nano": 10**9, "price_pico": 9 * 10**12},
            "Limit order placed Buy, closing the short: 1.0000 at 9.0000.",
        ),
        (
            "targets",
            {"stop_pico": 11 * 10**12, "target_pico": None},
            "Stop and target set Stop-loss 11.0000.",
        ),
        (
            "timed_exit",
            {"shares_nano": 3 * 10**9, "chunks": 3, "interval_s": 600},
            "Timed exit started Timed exit: 3.0000 in 3 parts, one per 10 min.",
        ),
        ("add_collateral", {"amount_micro": 10**7}, "In your escrow after it 109.9375 USDC"),
        ("remove_collateral", {"amount_micro": 10**7}, "In your escrow after it 89.9375 USDC"),
        ("contribute", {"amount_micro": 10**8}, "Contributed 100.00 USDC"),
    ],
)
def test_every_kind_of_request_has_one(
    client: Client, alice: User, kind: str, payload: dict[str, object], words: str
) -> None:
    market = active_market()
    short(alice, market, "5")
    receipt = command(alice, market, kind, **payload)
    client.force_login(alice)

    assert words in _receipt(client, receipt.id)


def test_a_cancellation_says_what_it_took_back(client: Client, alice: User) -> None:
    market = active_market()
    placed = command(
        alice, market, "limit", intent="open_long", shares_nano=10**9, price_pico=9 * 10**12
    )
    receipt = command(alice, market, "cancel", ref=placed.result["id"])
    client.force_login(alice)

    assert "What it was Limit order" in _receipt(client, receipt.id)
    assert "taken back" in _receipt(client, placed.id)


def test_a_provider_sees_what_left_and_what_waits(client: Client, alice: User) -> None:
    market = active_market(vesting=[[0, "1"]], queue_delay="0")
    command(alice, market, "contribute", amount_micro=10**9)
    queued = command(alice, market, "queue_withdrawal", units_nano=10**10)
    client.force_login(alice)

    page = _receipt(client, queued.id)

    assert "Queued 10.0000 units Queue 10.0000 units." in page
    assert "Units 10" in page


def test_a_cover_says_what_the_escrow_freed(client: Client, alice: User) -> None:
    market = active_market()
    short(alice, market, "5")
    receipt = command(alice, market, "buy", shares_nano=5 * 10**9)
    client.force_login(alice)

    page = _receipt(client, receipt.id)

    assert "Your escrow You what the closed part frees 99.9375" in page
    assert "Realised, before fees" in page
