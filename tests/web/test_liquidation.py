"""A liquidation told step by step, and every other execution with what set it off."""

import pytest
from django.test import Client

from exchange.ids import public_id
from exchange.models import Fill, Market, Position, Tick, User
from exchange.selectors import liquidations
from tests.factories import active_market, buy, command, oracle_moves, short, usdc
from tests.web.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price", m_open="0.5", day_max="1", beta="1")


def _liquidated(alice: User, market: Market, shares: str = "20") -> Fill:
    short(alice, market, shares)
    oracle_moves(market, 30, times=6)
    return Fill.objects.filter(user=alice, leg="liquidation").earliest("id")


def _page(client: Client, fill: Fill) -> str:
    response = client.get(f"/fills/{public_id('fil', fill.pk)}/")
    assert response.status_code == 200
    return text(response).replace("\u202f", " ")


def test_tells_the_margin_the_price_and_who_paid(
    client: Client, alice: User, market: Market
) -> None:
    fill = _liquidated(alice, market)
    client.force_login(alice)

    page = _page(client, fill)

    assert "Liquidated: bought back" in page
    assert "You were short 20 " in page
    assert "stood in escrow" in page
    assert "A short has to keep 120 % of what it would be closed out at" in page
    assert "In the same step the oracle view went from" in page
    assert "as few as give the rest 150 % again" in page
    assert "Your escrow Insurance fund the liquidation fee" in page
    assert "You are still short" in page


def test_the_story_agrees_with_the_books(alice: User, market: Market) -> None:
    fill = _liquidated(alice, market)
    later = Fill.objects.filter(user=alice, id__gt=fill.pk).exists()

    story = liquidations.of_fill(fill)

    row = Position.objects.get(user=alice)
    assert story.close_out_pico > story.level_pico
    assert story.before_pico is not None
    assert story.before_pico <= story.level_pico
    assert story.needed_micro > story.before.escrow_micro
    if not later:
        assert -row.shares_nano == story.after.shares_nano
        assert row.entry_micro == story.after.entry_micro
        assert row.escrow_micro == story.after.escrow_micro


def test_collateral_counts_as_margin(alice: User, market: Market) -> None:
    short(alice, market, "20")
    before = Position.objects.get(user=alice).escrow_micro
    command(alice, market, "add_collateral", amount_micro=usdc("10"))
    command(alice, market, "remove_collateral", amount_micro=usdc("4"))
    oracle_moves(market, 30, times=6)

    story = liquidations.of_fill(Fill.objects.filter(user=alice, leg="liquidation").earliest("id"))

    assert story.before.escrow_micro == before + usdc("6")


def test_the_close_out_price_is_that_of_the_moment(alice: User, bob: User, market: Market) -> None:
    short(bob, market, "20")
    _liquidated(alice, market)

    fills = list(Fill.objects.filter(leg="liquidation").order_by("id")[:2])
    first, second = (liquidations.of_fill(fill) for fill in fills)
    tick = Tick.objects.get(market=market, seq=fills[0].batch_seq)

    assert fills[0].batch_seq == fills[1].batch_seq
    assert first.close_out_pico > second.close_out_pico >= int(tick.close_out_pico)


def test_a_whole_liquidation_gives_back_what_is_left(
    client: Client, alice: User, market: Market
) -> None:
    fill = _liquidated(alice, market, shares="0.3")
    client.force_login(alice)

    story = liquidations.of_fill(fill)

    assert story.whole
    assert story.returned_micro > 0
    assert "came back to your cash. The short is closed and you owe nothing." in _page(client, fill)


def test_the_history_links_to_it(client: Client, alice: User, market: Market) -> None:
    fill = _liquidated(alice, market)
    address = f"/fills/{public_id('fil', fill.pk)}/"
    client.force_login(alice)

    for page in ("/markets/wheat-price/?tab=fills", "/portfolio/?tab=fills"):
        response = client.get(page)
        assert address in response.content.decode()
        assert "liquidated" in text(response)
    assert ",liquidated," in client.get("/portfolio/fills.csv").content.decode()


def test_an_execution_says_what_set_it_off(client: Client, alice: User, market: Market) -> None:
    buy(alice, market, "50")
    command(alice, market, "targets", stop_pico=95 * 10**11, target_pico=None)
    oracle_moves(market, -30, times=4)
    client.force_login(alice)

    page = _page(client, Fill.objects.filter(user=alice, cause="stop").get())

    assert "Stop-loss: sold" in page
    assert "The trigger price reached your stop-loss" in page


def test_belongs_to_its_owner_alone(
    client: Client, alice: User, charlie: User, market: Market
) -> None:
    fill = _liquidated(alice, market)
    client.force_login(charlie)

    assert client.get(f"/fills/{public_id('fil', fill.pk)}/").status_code == 404


@pytest.mark.parametrize("name", ["fil_", "fil_0000000000000", "ord_0000000000001", "x"])
def test_no_such_execution(client: Client, alice: User, name: str) -> None:
    client.force_login(alice)

    assert client.get(f"/fills/{name}/").status_code == 404
