"""What was contributed comes back to the cent: odd amounts, many people, the staked one too."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange import clock
from exchange.models import Account, LiveState, Market, Stake, User
from exchange.selectors import portfolio
from exchange.services import audit, batch_load, markets
from liquidity.models import MarketRequest
from liquidity.services import decisions
from tests.factories import contribute, funded_user, usdc
from tests.liquidity import proposals
from tests.liquidity.proposals import proposed

pytestmark = pytest.mark.django_db
WEEK_S = 7 * 86_400
ODD = st.integers(min_value=10_000_000, max_value=99_999_999)


def cash(user: User) -> int:
    return portfolio.money(user).cash_micro


def funded_by_stake(alice: User, staff: User, stake_micro: int) -> Market:
    request = proposed(alice, "Rain in Lima", stake_micro=stake_micro)
    decisions.request_approve(actor=staff, request=request, reason="well specified")
    return Market.objects.get(slug="rain-in-lima")


def refunded(market: Market) -> int:
    """Let the deadline pass and the clock work; return how many turns it took."""
    with clock.shifted(WEEK_S + 60):
        turns = 0
        while markets.refunds_due(clock.now_s()):
            turns += 1
            assert turns < 50
    return turns


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stake=st.integers(min_value=100_000_000, max_value=199_999_999),
    amounts=st.lists(st.lists(ODD, min_size=1, max_size=3), min_size=1, max_size=8),
)
def test_every_contribution_comes_back_to_the_cent(stake: int, amounts: list[list[int]]) -> None:
    requester, chief = funded_user("200"), funded_user("0", is_staff=True)
    slug = f"rain-{requester.pk}"
    words = proposals.words("Rain in Lima", slug=slug, ticker=f"R{requester.pk}")
    request = proposed(requester, "Rain in Lima", words=words, stake_micro=stake)
    decisions.request_approve(actor=chief, request=request, reason="well specified")
    market = MarketRequest.objects.get(pk=request.pk).market
    assert market is not None
    people = [(funded_user("300"), parts) for parts in amounts]
    for user, parts in people:
        for micro in parts:
            contribute(user, market, f"{micro // 10**6}.{micro % 10**6:06d}")
    assert cash(requester) == usdc("200") - stake

    refunded(market)

    assert cash(requester) == usdc("200")
    assert [cash(user) for user, _ in people] == [usdc("300")] * len(people)
    assert Account.objects.get(market=market, kind="funding").balance_micro == 0
    assert not Stake.objects.filter(market=market, units_nano__gt=0).exists()
    market.refresh_from_db()
    assert market.status == "cancelled"


def test_more_contributors_than_a_slice_holds(
    alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_load, "REFUNDS_MAX", 3)
    market = funded_by_stake(alice, staff, usdc("100.000001"))
    people = [funded_user("20") for _ in range(10)]
    for n, user in enumerate(people):
        contribute(user, market, f"10.{n:06d}")

    assert refunded(market) >= 4

    assert {cash(user) for user in (*people, alice)} == {usdc("20"), usdc("1000")}
    assert LiveState.objects.get(market=market).state["funding_micro"] == 0
    assert audit.examine() == []


def test_the_goal_is_met_in_the_operation_that_meets_it(alice: User, staff: User) -> None:
    request = proposed(alice, "Rain in Lima", parameters={"soft_cap": "500"})
    decisions.request_approve(actor=staff, request=request, reason="well specified")
    market = Market.objects.get(slug="rain-in-lima")
    bob = funded_user("1000")

    short = contribute(bob, market, "349.999999")
    assert (short.result["activated"], Market.objects.get(pk=market.pk).status) == (
        False,
        "funding",
    )
    last = contribute(bob, market, "10")

    market.refresh_from_db()
    assert (last.result["activated"], market.status) == (True, "active")
    assert market.activated_at is not None
    state = LiveState.objects.get(market=market).state
    assert (state["pool_micro"], state["funding_micro"]) == (usdc("509.999999"), 0)
    assert state["units_nano"] == usdc("509.999999") * 1000


def test_nothing_comes_back_before_the_deadline(alice: User, staff: User) -> None:
    market = funded_by_stake(alice, staff, usdc("150"))

    with clock.shifted(WEEK_S - 60):
        assert markets.refunds_due(clock.now_s()) == 0

    assert Stake.objects.get(market=market).units_nano == usdc("150") * 1000
