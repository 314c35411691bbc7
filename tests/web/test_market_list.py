import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from exchange import clock
from exchange.engines.units import PICO
from exchange.models import LiveState, Market, User
from exchange.services import markets
from tests.factories import active_market, buy, contribute, funded_user, key, open_market
from tests.web.pages import body, text

pytestmark = pytest.mark.django_db


def test_says_what_will_be_here_when_there_is_no_market(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert "Markets will stand here as soon as the first one is opened" in text(response)


def test_shows_price_change_volume_oracle_age_and_state(client: Client, alice: User) -> None:
    market = active_market("wheat-price")
    buy(alice, market, "100")

    page = text(client.get("/"))

    assert "Wheat Price" in page
    assert "Trading" in page
    assert "Volume 24 h 99.50" in page
    assert re.search(r"Oracle \d+ s ago", page)
    assert "24 h" in page


def test_says_the_direction_in_a_sign_and_a_word(client: Client, alice: User) -> None:
    market = active_market("wheat-price")
    buy(alice, market, "1")
    report = {"delta_pico": PICO // 10, "confidence_e8": 10**8}
    markets.oracle_apply(market_id=market.pk, reports=[report] * 3, ref=key())

    page = client.get("/")

    assert "▲ up +" in text(page)
    assert 'class="change up"' in body(page)


def test_shows_how_far_the_funding_is(client: Client) -> None:
    market = open_market("new-idea", soft_cap="1000")
    contribute(funded_user("400"), market, "250")

    page = text(client.get("/"))

    assert "Funding" in page
    assert "250.00 of 1 000.00 USDC" in page.replace("\u202f", " ")
    assert "25.00 %" in page.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=WHEAT", {"Wheat Price"}),
        ("q=wheat%20price", {"Wheat Price"}),
        ("q=nothing", set()),
        ("topic=sport", {"Team Form"}),
        ("state=funding", {"Team Form"}),
        ("state=trading", {"Wheat Price"}),
        ("state=closed", set()),
        ("state=nonsense&sort=nonsense", {"Wheat Price", "Team Form"}),
    ],
)
def test_filters_by_plain_addresses(client: Client, query: str, found: set[str]) -> None:
    active_market("wheat-price")
    Market.objects.filter(pk=open_market("team-form").pk).update(topic="sport")

    page = text(client.get(f"/?{query}"))

    assert {name for name in ("Wheat Price", "Team Form") if name in page} == found


def test_keeps_what_was_searched_for(client: Client) -> None:
    active_market("wheat-price")

    response = client.get("/?q=corn%22%3E")

    assert "No market matches" in text(response)
    assert 'value="corn&quot;&gt;"' in body(response)


def test_names_a_market_that_only_closes(client: Client) -> None:
    market = active_market()
    LiveState.objects.filter(market=market).update(reduce_only_since=clock.now())

    assert "Closing only" in text(client.get("/"))


def test_names_a_halted_market(client: Client) -> None:
    market = active_market()
    LiveState.objects.filter(market=market).update(halt_rule="invariant", halt_since=clock.now())

    assert "Halted" in text(client.get("/"))


def test_reads_all_markets_with_few_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        active_market()

    with django_assert_max_num_queries(4):
        client.get("/")
