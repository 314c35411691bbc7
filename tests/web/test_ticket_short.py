"""The ticket of a short, of closing only, and of an order that waits for the oracle."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from exchange import clock
from exchange.models import Fill, LiveState, Market, Position, RestingOrder, User
from exchange.selectors import portfolio
from tests.factories import active_market, buy, funded_user, key, oracle_moves, short
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]
PREVIEW = "/markets/wheat-price/preview/"
ORDERS = "/markets/wheat-price/orders/"


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price")


def _ticket(**changes: str) -> dict[str, str]:
    ticket = {"type": "market", "side": "sell", "mode": "shares", "quantity": "5", "bound": ""}
    return ticket | changes


def _confirm(client: Client, **changes: str) -> dict[str, str]:
    return form(client.post(PREVIEW, _ticket(**changes)), ORDERS)


def _said(client: Client, **changes: str) -> str:
    return text(client.post(PREVIEW, _ticket(**changes))).replace("\u202f", " ")


def test_previews_a_short_with_margin_escrow_and_level(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    client.force_login(alice)

    with nothing_happened():
        page = _said(client)

    assert "Sell 5.0000 " in page
    assert "short for 49.71" in page
    assert "less what closing costs. 49.96875 " in page
    assert "Total from your cash 50.21" in page
    assert "In escrow after 99.93" in page
    assert "would add. 16.6562 " in page
    assert " away" in page


def test_a_short_fills_as_it_was_previewed(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)
    sent = _confirm(client)
    cash = portfolio.money(alice).cash_micro

    response = client.post(ORDERS, sent, follow=True)

    row = Position.objects.get(user=alice)
    assert row.shares_nano == -5_000_000_000
    assert row.escrow_micro == 99_937_500
    assert cash - portfolio.money(alice).cash_micro == 50_218_594
    assert "In escrow: proceeds and margin 99.9375" in text(response)
    assert "Pool Your escrow the shares, along the curve" in text(response)


def test_a_visitor_may_look_at_a_short(client: Client, market: Market) -> None:
    page = _said(client)

    assert "short for 49.71" in page
    assert "Sign in to sell" in page


def test_extra_margin_moves_the_level_away(client: Client, market: Market, alice: User) -> None:
    client.force_login(alice)

    client.post(ORDERS, _confirm(client, extra="20"))

    assert Position.objects.get(user=alice).escrow_micro == 119_937_500


def test_the_level_is_told_before_and_after(client: Client, market: Market, alice: User) -> None:
    short(alice, market, "5")
    client.force_login(alice)

    assert "would add. 16.6562 → 19.9" in _said(client, extra="40")


def test_closing_only_never_opens_the_other_way(
    client: Client, market: Market, alice: User
) -> None:
    buy(alice, market, "50")
    held = Position.objects.get(user=alice).shares_nano
    client.force_login(alice)

    response = client.post(PREVIEW, _ticket(quantity="20", reduce_only="on"))

    assert "Cannot be placed like this" in text(response)
    assert f"quantity={held / 10**9:.9f}".rstrip("0") in body(response)


def test_without_closing_only_the_rest_opens(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "50")
    client.force_login(alice)

    page = _said(client, quantity="10")
    client.post(ORDERS, _confirm(client, quantity="10"))

    assert "close your long" in page
    assert "open a short" in page
    assert Position.objects.get(user=alice).shares_nano < 0


def test_closing_only_is_preset_for_what_is_held(
    client: Client, market: Market, alice: User
) -> None:
    short(alice, market, "5")
    client.force_login(alice)

    page = client.get("/markets/wheat-price/?side=buy&mode=shares&quantity=5")

    assert form(page, ORDERS)["reduce_only"] == "on"
    assert "to close your short" in text(page)


def test_a_tick_that_closes_nothing_is_not_meant(
    client: Client, market: Market, alice: User
) -> None:
    buy(alice, market, "50")
    client.force_login(alice)

    sent = _confirm(client, side="buy", mode="amount", quantity="20", reduce_only="on")

    assert "reduce_only" not in sent


def test_what_was_to_close_is_gone_by_then(
    client: Client, market: Market, alice: User, nothing_happened: Watch
) -> None:
    short(alice, market, "5")
    client.force_login(alice)
    sent = _confirm(client, side="buy", reduce_only="on")
    buy(alice, market, "60")
    position = Position.objects.get(user=alice).shares_nano

    assert position >= 0
    with nothing_happened():
        response = client.post(ORDERS, sent)

    assert response.status_code == 422


def test_refuses_a_short_without_the_margin(
    client: Client, market: Market, nothing_happened: Watch
) -> None:
    client.force_login(funded_user("20"))

    response = client.post(PREVIEW, _ticket())
    with nothing_happened():
        refused = client.post(ORDERS, {**_ticket(), "limit": "0", "key": key()})

    assert "Need " in text(response)
    assert 'value="mode=shares&amp;quantity=1.9' in body(response)
    assert refused.status_code == 422


def test_the_size_that_is_offered_passes(client: Client, market: Market, alice: User) -> None:
    client.force_login(funded_user("100000"))

    page = body(client.post(PREVIEW, _ticket(quantity="90")))
    offered = page.partition('value="mode=shares&amp;quantity=')[2].partition('"')[0]

    assert "Sell" in _said(client, quantity=offered)
    assert "Cannot be placed like this" not in _said(client, quantity=offered)


def test_offers_to_wait_where_the_band_refuses(client: Client, market: Market) -> None:
    client.force_login(funded_user("5000"))

    page = body(client.post(PREVIEW, _ticket(side="buy", mode="amount", quantity="700")))

    assert 'value="commit=on"' in page
    assert "The next oracle event is expected" in page


@pytest.mark.parametrize(
    ("side", "mode", "quantity", "intent"),
    [
        ("buy", "amount", "700", "open_long"),
        ("buy", "shares", "60", "open_long"),
        ("sell", "shares", "60", "open_short"),
    ],
)
def test_an_order_waits_for_the_oracle(  # noqa: PLR0917 (a table of cases)
    client: Client, market: Market, side: str, mode: str, quantity: str, intent: str
) -> None:
    user = funded_user("5000")
    client.force_login(user)
    asked = {"side": side, "mode": mode, "quantity": quantity, "commit": "on"}

    page = _said(client, **asked)
    placed = client.post(ORDERS, _confirm(client, **asked), follow=True)

    row = RestingOrder.objects.get(user=user)
    assert "Wait for the next oracle event" in page
    assert f"Set {row.reserved_micro / 10**6:,.2f}".replace(",", " ")[:9] in page
    assert row.item["intent"] == intent
    assert "Waiting for the next oracle event" in text(placed)
    oracle_moves(market, 0)
    row.refresh_from_db()
    assert row.status == "filled"
    assert Fill.objects.get(user=user).cause == "commit"
    assert "done" in text(client.get(placed.redirect_chain[-1][0]))


def test_what_closes_does_not_wait(client: Client, market: Market) -> None:
    user = funded_user("5000")
    short(user, market, "5")
    client.force_login(user)
    asked = {"side": "buy", "mode": "amount", "quantity": "750", "commit": "on"}

    page = _said(client, **asked)
    client.post(ORDERS, _confirm(client, **asked))

    assert "to close your short now; wait for the next oracle event, then buy" in page
    assert Position.objects.get(user=user).shares_nano == 0
    assert RestingOrder.objects.get(user=user).status == "open"


def test_a_pause_is_named_and_counts_down(client: Client, market: Market, alice: User) -> None:
    now_s = clock.now_s()
    LiveState.objects.filter(market=market).update(
        pause_rule="price_move", pause_since_s=now_s - 60, pause_until_s=now_s + 240
    )
    client.force_login(alice)

    page = text(client.get("/markets/wheat-price/"))

    assert "New positions pause: the price moved 15" in page
    assert "You can close what you hold, take orders back, add collateral" in page
    assert "Cannot be placed like this" in _said(client)


def test_the_pool_page_names_the_same_states(client: Client, market: Market) -> None:
    LiveState.objects.filter(market=market).update(
        reduce_only_since=clock.now(), reduce_only_reason="source went away"
    )

    assert "Reason given: “source went away”" in text(client.get("/liquidity/wheat-price/"))


@pytest.mark.breaks_books
def test_a_clamped_market_says_what_providers_cannot_do(client: Client, market: Market) -> None:
    state = market.live.state | {"clamped": True}
    LiveState.objects.filter(market=market).update(state=state)

    page = text(client.get("/markets/wheat-price/"))

    assert "The last rise was clamped" in page
    assert "contributions to the pool are refused meanwhile" in page


@pytest.mark.breaks_books
def test_a_market_that_winds_down_says_when_it_settles(client: Client, market: Market) -> None:
    at = clock.now_s() + 86_400
    state = market.live.state | {"status": "winding", "settle_at_s": at}
    LiveState.objects.filter(market=market).update(state=state)

    page = client.get("/markets/wheat-price/")

    assert "until everything is settled at one price" in text(page)
    assert f'data-until="{at}"' in body(page)


@pytest.mark.breaks_books
def test_two_rules_at_once_are_both_named(client: Client, market: Market) -> None:
    state = market.live.state | {"clamped": True}
    LiveState.objects.filter(market=market).update(
        state=state, reduce_only_since=clock.now(), reduce_only_reason="source went away"
    )

    page = text(client.get("/markets/wheat-price/"))

    assert "Closing only" in page
    assert "The last rise was clamped" in page
