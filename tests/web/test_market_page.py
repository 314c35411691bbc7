from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from exchange import clock
from exchange.engines.units import PICO
from exchange.models import LiveState, Market, User
from exchange.services import markets
from tests.factories import active_market, buy, contribute, key, open_market, usdc
from tests.web.pages import body, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price")


def _page(client: Client, query: str = "") -> str:
    return text(client.get(f"/markets/wheat-price/{query}")).replace("\u202f", " ")


def _oracle(market: Market, delta: int = PICO // 10) -> None:
    report = {"delta_pico": delta, "confidence_e8": 71_000_000}
    markets.oracle_apply(market_id=market.pk, reports=[report] * 3, ref=f"run_{key()[:12]}")


def test_shows_three_labelled_prices(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")

    page = _page(client)

    assert "Headline" in page
    assert "You pay" in page
    assert "Buy 10.0" in page
    assert "for 100.00 USDC, fees included" in page
    assert "Oracle view" in page
    assert "0 s old" in page


def test_shows_the_last_causes_without_scripts(client: Client, market: Market) -> None:
    _oracle(market)

    page = _page(client)

    assert "+0.14" in page
    assert "confidence 71 %" in page
    assert "F 10.0000 → 10.14" in page


def test_says_how_sure_the_last_event_was(client: Client, market: Market) -> None:
    _oracle(market, 0)

    assert "· 71 % sure" in _page(client)


def test_shows_trades_with_public_names_only(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")

    response = client.get("/markets/wheat-price/")

    assert "▲ Buy" in text(response)
    assert "Alice" in text(response)
    assert alice.email not in body(response)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("rules", "Largest price move by one order 10 %"),
        ("pool", "Reserve ratio, must be 100 % or more"),
        ("nonsense", "Trades will stand here"),
        ("orders", "Trades will stand here"),
    ],
)
def test_opens_the_tab_of_the_address(client: Client, market: Market, tab: str, words: str) -> None:
    assert words in _page(client, f"?tab={tab}")


def test_swaps_a_tab_alone(client: Client, market: Market) -> None:
    response = client.get(
        "/markets/wheat-price/?tab=rules", headers={"HX-Request": "true", "HX-Target": "tab-panel"}
    )

    assert "What moves it" in text(response)
    assert "<html" not in body(response)


def test_shows_my_position_at_what_leaving_pays(
    client: Client, market: Market, alice: User
) -> None:
    buy(alice, market, "100")
    client.force_login(alice)

    page = _page(client)

    assert "Leaving now returns 99.00" in page
    assert "At market price (not payable) 99.6" in page


def test_keeps_a_position_from_others(
    client: Client, market: Market, alice: User, bob: User
) -> None:
    buy(alice, market, "100")
    client.force_login(bob)

    assert "You hold no" in _page(client)


def test_invites_contributions_while_funded(client: Client, alice: User) -> None:
    market = open_market("wheat-price", soft_cap="1000")
    contribute(alice, market, "250")

    page = _page(client)

    assert "Being funded" in page
    assert "Sign in to contribute" in page
    assert "250.00 of 1 000.00 USDC" in page
    assert "Average price" not in page


def test_names_rule_and_time_of_a_halt(client: Client, market: Market) -> None:
    since = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    LiveState.objects.filter(market=market).update(halt_rule="invariant", halt_since=since)

    page = _page(client)

    assert "Halted by the rule “invariant” since 03 Feb 04:05 UTC" in page
    assert "Buy — Sell — for 100.00 USDC, fees included. Trades are refused" in page


def test_previews_nothing_where_nothing_trades(client: Client, market: Market) -> None:
    LiveState.objects.filter(market=market).update(halt_rule="invariant")

    page = _page(client, "?side=buy&quantity=10")

    assert "This market halted itself by the rule “invariant”" in page
    assert "Cannot be placed like this" in page


def test_names_the_reason_for_closing_only(client: Client, market: Market) -> None:
    LiveState.objects.filter(market=market).update(
        reduce_only_since=clock.now(), reduce_only_reason="source went away"
    )

    page = _page(client)

    assert "Reason given: “source went away”" in page
    assert "You can close what you hold" in page


def test_says_that_the_oracle_is_stale(
    client: Client, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = clock.now_s() + 3_600
    monkeypatch.setattr(clock, "now_s", lambda: later)

    page = _page(client, "?side=buy&quantity=10")

    assert "The oracle was last heard 1 h ago" in page
    assert "New positions pause after 30 min without an oracle event" in page
    assert "Cannot be placed like this" in page


def test_answers_404_for_no_market(client: Client) -> None:
    response = client.get("/markets/no-such-thing/")

    assert response.status_code == 404
    assert "There is nothing at this address" in text(response)


@pytest.mark.parametrize("part", ["prices", "position", "state", "history"])
def test_serves_fragments_that_are_no_pages(
    client: Client, market: Market, alice: User, part: str
) -> None:
    client.force_login(alice)

    response = client.get(f"/markets/wheat-price/{part}/", headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert "<html" not in body(response)


def test_gives_the_history_as_a_table(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")

    page = text(client.get("/markets/wheat-price/history/?range=1h"))

    assert "Close (D)" in page
    assert "99.500000" in page


def test_gives_the_history_as_a_file(client: Client, market: Market, alice: User) -> None:
    buy(alice, market, "100")

    response = client.get("/markets/wheat-price/history.csv?range=1d")

    lines = response.content.decode().splitlines()
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert lines[0] == "time_utc,open,high,low,close,market,fundamental,volume,trades"
    assert sum(float(line.split(",")[7]) for line in lines[1:]) == 99.5


@pytest.mark.breaks_books
def test_a_market_that_is_ending_says_what_is_left_to_do(
    client: Client, market: Market, alice: User
) -> None:
    state = market.live.state | {"status": "winding"}
    LiveState.objects.filter(market=market).update(state=state)

    page = _page(client, "?side=buy&quantity=10")

    assert "Winding down" in page
    assert "You can still close what you hold." in page


def test_shows_a_stake_and_its_vesting(client: Client, alice: User) -> None:
    market = open_market("wheat-price", soft_cap="500")
    contribute(alice, market, "500")
    client.force_login(alice)

    page = _page(client, "?tab=pool")

    assert "Worth now 500.00 USDC" in page
    assert "No fees to claim yet" in page
    assert "7 days 25 %" in page
    assert usdc("500") == market.accounts.get(kind="pool").balance_micro


def test_reads_a_page_with_few_queries(
    client: Client,
    market: Market,
    alice: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    buy(alice, market, "10")
    client.force_login(alice)

    with django_assert_max_num_queries(15):
        client.get("/markets/wheat-price/?side=buy&quantity=10")
