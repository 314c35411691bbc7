"""Since when a market owes a shift: the first tick of the unbroken row of those that say so."""

import pytest

from exchange.models import Market, Tick
from exchange.selectors.markets import clamped_since
from tests.factories import active_market, buy, funded_user
from tests.forgery import edit

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_books]


@pytest.fixture
def market(db: None) -> Market:
    made, alice = active_market(), funded_user("1000")
    for _ in range(4):
        buy(alice, made, "5")
    return made


def clamp(market: Market, *seqs: int) -> None:
    edit(
        "UPDATE exchange_tick SET clamped = true WHERE market_id = %s AND seq = ANY(%s)",
        market.pk,
        list(seqs),
    )


def test_the_first_of_the_last_row_counts(market: Market) -> None:
    clamp(market, 2, 4, 5)

    assert clamped_since(market) == Tick.objects.get(market=market, seq=4).at


def test_a_market_that_was_always_clamped_has_its_first_tick(market: Market) -> None:
    clamp(market, 1, 2, 3, 4, 5)

    assert clamped_since(market) == Tick.objects.get(market=market, seq=1).at


def test_a_market_that_owes_nothing_has_no_since(market: Market) -> None:
    clamp(market, 2)

    assert clamped_since(market) is None
