"""A market from proposal to settlement by services and the clock: everybody is paid."""

import pytest
from django.test import Client

from exchange import clock
from exchange.models import Account, LiveState, Market, MarketEvent, Position, Stake, User
from exchange.selectors import portfolio
from exchange.services import audit, due, markets, orders
from exchange.services.batch import Request
from exchange.services.settlement import drain
from liquidity.services import decisions
from tests.factories import buy, contribute, funded_user, key, oracle_moves, short, usdc
from tests.liquidity.proposals import proposed
from tests.web.pages import form, text

pytestmark = pytest.mark.django_db
DAY_S = 86_400


def cash(user: User) -> int:
    return portfolio.money(user).cash_micro


@pytest.fixture
def market(alice: User, staff: User) -> Market:
    """Return a proposed market that trades: 250 of its pool is the requester's stake."""
    request = proposed(
        alice, "Rain in Lima", stake_micro=usdc("250"), parameters={"soft_cap": "1000"}
    )
    decisions.request_approve(actor=staff, request=request, reason="well specified")
    market = Market.objects.get(slug="rain-in-lima")
    contribute(funded_user("750"), market, "750")
    market.refresh_from_db()
    return market


def wound_down(market: Market, settle_at_s: int) -> None:
    ask = Request("wind_down", {"settle_at_s": settle_at_s}, f"wind-down:{market.pk}")
    (answer,) = drain(market.pk, [ask])
    assert getattr(answer, "accepted", False)
    market.refresh_from_db()


def others_leave(market: Market, apart_from: User) -> None:
    """Let the other providers burn their units at once, and everybody claim their fees."""
    for stake in Stake.objects.filter(market=market).exclude(user=apart_from):
        orders.units_withdraw(
            user=stake.user, market=market, units_nano=stake.units_nano, key=key(), queued=False
        )
    for stake in Stake.objects.filter(market=market):
        orders.fees_claim(user=stake.user, market=market, key=key())


def is_conserved(market: Market) -> bool:
    """Say whether what came in from outside is with the people or in the market's accounts."""
    house = Account.objects.filter(market=market, user=None)
    inside = sum(map(cash, User.objects.all())) + sum(house.values_list("balance_micro", flat=True))
    return inside == -Account.objects.get(kind="external").balance_micro


def test_longs_and_shorts_are_paid_and_providers_leave_without_vesting(
    alice: User, market: Market, client: Client
) -> None:
    long, bear = funded_user("500"), funded_user("500")
    buy(long, market, "20.123457")
    short(bear, market, "3.000000007")
    oracle_moves(market, 4, times=2)
    settle_at = clock.now_s() + DAY_S
    wound_down(market, settle_at)

    with clock.shifted(DAY_S - 60):
        assert due.settlements(clock.now_s()) == 0
        assert market.status == "winding"
    with clock.shifted(DAY_S + 5):
        assert due.settlements(clock.now_s()) == 1
        assert due.settlements(clock.now_s()) == 0
        market.refresh_from_db()
        assert market.status == "settled"
        assert not Position.objects.filter(market=market).exclude(shares_nano=0).exists()
        assert portfolio.money(bear).escrow_micro == 0
        assert 0 < cash(bear) < usdc("500")
        assert cash(long) > usdc("500") - usdc("20.123457")

        client.force_login(alice)
        page = client.get("/liquidity/rain-in-lima/", {"units": "250"})
        assert "no limit is left" in text(page)
        address = "/liquidity/rain-in-lima/withdrawals/"
        paid = client.post(address, form(page, address), follow=True)
        assert "Took out" in text(paid)
        others_leave(market, alice)

    state = LiveState.objects.get(market=market).state
    assert (state["units_nano"], state["long_nano"], state["short_nano"]) == (0, 0, 0)
    # what rounding left, to the providers' disadvantage, is less than a micro each and fill
    left = sum(
        Account.objects.filter(market=market, kind="pool").values_list("balance_micro", flat=True)
    )
    assert 0 <= left <= 2
    assert is_conserved(market)
    assert audit.examine() == []
    kinds = set(MarketEvent.objects.filter(market=market).values_list("kind", flat=True))
    assert "approved" in kinds


def test_those_in_the_queue_are_paid_after_the_settlement(alice: User, market: Market) -> None:
    with clock.shifted(8 * DAY_S):
        orders.units_withdraw(
            user=alice, market=market, units_nano=60 * 10**9, key=key(), queued=True
        )
        wound_down(market, clock.now_s() + 10)
    with clock.shifted(8 * DAY_S + 30):
        assert due.settlements(clock.now_s()) == 1
        due.queues(clock.now_s())

    assert cash(alice) == usdc("1000") - usdc("250") + usdc("60")
    assert Stake.objects.get(user=alice).locked_nano == 0


def test_a_market_that_is_wound_down_takes_no_contribution(
    alice: User, market: Market, client: Client
) -> None:
    wound_down(market, clock.now_s() + DAY_S)
    client.force_login(alice)

    page = text(client.get("/liquidity/rain-in-lima/", {"amount": "50"}))

    assert "takes no contributions any more" in page
    assert markets.refunds_due(clock.now_s()) == 0
