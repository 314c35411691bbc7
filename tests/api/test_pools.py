"""POST contributions and fee claims, GET /stakes/: the providers' side."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from exchange.models import Account, Market, Stake, User
from tests.api.caller import Caller
from tests.factories import active_market, buy, contribute, funded_user, key, open_market, usdc

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
FUND = "markets/gas/contributions/"


@pytest.fixture
def gas(db: None) -> Market:
    """Return a market that is being funded."""
    return open_market("gas")


def test_puts_money_into_a_pool(as_alice: Caller, alice: User, gas: Market) -> None:
    answer = as_alice.post(FUND, {"amount": "50"}, Idempotency_Key=key())

    assert answer.status == 201
    body = answer.json
    assert (body["kind"], body["status"], body["asked"]["amount"]) == (
        "contribute",
        "done",
        "50.000000",
    )
    assert body["contributed"]["units"] == "50.000000000"
    assert Account.objects.get(user=alice, kind="cash").balance_micro == usdc("950")


def test_a_contribution_is_replayed_byte_for_byte(as_alice: Caller, gas: Market) -> None:
    name = key()
    first = as_alice.post(FUND, {"amount": "50"}, Idempotency_Key=name)

    again = as_alice.post(FUND, {"amount": "50.0"}, Idempotency_Key=name)
    other = as_alice.post(FUND, {"amount": "51"}, Idempotency_Key=name)

    assert (again.status, again.raw) == (201, first.raw)
    assert again.headers["Idempotent-Replay"] == "true"
    assert (other.status, other.code) == (409, "key_reused")
    assert Stake.objects.get().units_nano == 50 * 10**9


def test_filling_the_soft_cap_activates(as_alice: Caller, gas: Market) -> None:
    contribute(funded_user("3000"), gas, "2400")

    answer = as_alice.post(FUND, {"amount": "100"}, Idempotency_Key=key())

    assert answer.json["contributed"]["activated"] is True
    assert as_alice.get("markets/gas/").json["status"] == "active"


@pytest.mark.parametrize(
    ("amount", "code"),
    [("9.999999", "min_contribution"), ("0", "args"), ("1000.000001", "insufficient_funds")],
)
def test_a_contribution_is_refused(
    as_alice: Caller, gas: Market, nothing_happened: Nothing, amount: str, code: str
) -> None:
    with nothing_happened():
        answer = as_alice.post(FUND, {"amount": amount}, Idempotency_Key=key())

    assert (answer.status, answer.code) == (422, code)


def test_a_trading_market_mints_at_its_equity(as_alice: Caller, market: Market) -> None:
    answer = as_alice.post("markets/oil/contributions/", {"amount": "50"}, Idempotency_Key=key())

    assert answer.status == 201
    assert answer.json["contributed"]["activated"] is False


def test_claims_what_a_stake_has_earned(gas: Market, alice: User, as_alice: Caller) -> None:
    contribute(alice, gas, "500")
    contribute(funded_user("3000"), gas, "2000")
    buy(funded_user("100"), gas, "20")
    before = as_alice.get("stakes/").json["results"][0]
    name = key()

    answer = as_alice.post("markets/gas/fee-claims/", {}, Idempotency_Key=name)
    again = as_alice.post("markets/gas/fee-claims/", {}, Idempotency_Key=name)

    assert answer.status == 201
    assert answer.json["claimed"]["amount"] == before["claimable"] == "0.018000"
    assert again.raw == answer.raw
    after = as_alice.get("stakes/").json["results"][0]
    assert (after["claimable"], after["claimed"]) == ("0.000000", "0.018000")
    assert (after["market"], after["units"]) == ("gas", "500.000000000")


def test_nothing_earned_is_refused(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    with nothing_happened():
        answer = as_alice.post("markets/oil/fee-claims/", {}, Idempotency_Key=key())

    assert (answer.status, answer.code) == (422, "nothing")


def test_charlie_claims_nothing_of_hers(
    as_charlie: Caller, alice: User, gas: Market, nothing_happened: Nothing
) -> None:
    contribute(alice, gas, "500")
    contribute(funded_user("3000"), gas, "2000")
    buy(funded_user("100"), gas, "20")

    with nothing_happened():
        answer = as_charlie.post("markets/gas/fee-claims/", {}, Idempotency_Key=key())

    assert answer.code == "nothing"
    assert as_charlie.get("stakes/").json == {"results": []}


@pytest.mark.parametrize("page", ["contributions", "fee-claims"])
@pytest.mark.parametrize("extra", [{"user": "1"}, {"units": "1"}, {"amount_micro": "1"}])
def test_privileged_fields_are_refused(
    as_alice: Caller, gas: Market, nothing_happened: Nothing, page: str, extra: dict[str, str]
) -> None:
    with nothing_happened():
        answer = as_alice.post(f"markets/gas/{page}/", extra, Idempotency_Key=key())

    assert (answer.status, answer.code) == (400, "field_unknown")


@pytest.mark.parametrize("page", ["contributions", "fee-claims"])
def test_needs_a_key_somebody_and_a_scope(
    anyone: Caller, by_token: Callable[..., Caller], alice: User, gas: Market, page: str
) -> None:
    address = f"markets/gas/{page}/"
    body = {"amount": "50"} if page == "contributions" else {}

    assert Caller(alice).post(address, body).code == "key_missing"
    assert anyone.post(address, body, Idempotency_Key=key()).code == "not_signed_in"
    reader = by_token(alice, "read")
    assert reader.post(address, body, Idempotency_Key=key()).code == "scope_missing"


def test_an_unknown_market_is_not_found(as_alice: Caller) -> None:
    answer = as_alice.post("markets/none/contributions/", {"amount": "50"}, Idempotency_Key=key())

    assert answer.code == "not_found"


def test_a_stake_is_shown_at_net_asset_value(as_alice: Caller, alice: User) -> None:
    market = active_market("tea", pool="3000", hard_cap="25000")
    assert market.status == "active"
    gas = open_market("gas")
    contribute(alice, gas, "50")

    stake = as_alice.get("stakes/").json["results"][0]

    assert (stake["market"], stake["value"]) == ("gas", "50.000000")
