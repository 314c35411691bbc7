"""The providers' side for programs: proposals with a key, pools, previews, and who is refused."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from exchange.models import Market, User
from exchange.selectors import portfolio
from exchange.services import settlement, tokens
from liquidity.models import MarketRequest
from liquidity.services import decisions
from tests.api.caller import Answer, Caller
from tests.factories import active_market, buy, contribute, funded_user, key, open_market, usdc
from tests.liquidity import proposals
from tests.liquidity.proposals import proposed

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
REQUESTS = "liquidity/requests/"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "words": proposals.words(),
        "brief": proposals.brief(),
        "parameters": {"P0_init": "7"},
        "stake": "150",
        **changes,
    }


def propose(caller: Caller, sent: Any = None, name: str = "") -> Answer:
    return caller.post(REQUESTS, sent or body(), Idempotency_Key=name or key())


@pytest.fixture
def as_alice(alice: User) -> Caller:
    return Caller(alice)


def test_proposes_with_a_stake(as_alice: Caller, alice: User) -> None:
    answer = propose(as_alice)

    assert answer.status == 201
    made = answer.json
    assert (made["state"], made["stake"], made["stake_state"]) == ("pending", "150.000000", "held")
    assert made["words"] == proposals.words()
    assert made["parameters"] == {"P0_init": "7"}
    assert portfolio.money(alice).reserved_micro == usdc("150")
    assert as_alice.get(f"{REQUESTS}{made['id']}/").json == made
    assert as_alice.get(REQUESTS).json == {"results": [made], "next": None}


def test_the_same_key_is_the_same_proposal(as_alice: Caller, nothing_happened: Nothing) -> None:
    name = key()
    first = propose(as_alice, name=name)

    with nothing_happened():
        again = propose(as_alice, name=name)
        other = propose(as_alice, body(stake="151"), name=name)

    assert (again.status, again.raw) == (201, first.raw)
    assert (other.status, other.code) == (409, "key_reused")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"stake": "99.999999"}, 422, "stake_out_of_range"),
        ({"stake": "1001"}, 422, "insufficient_funds"),
        ({"stake": 150}, 400, "money_malformed"),
        ({"stake": "1e3"}, 400, "money_malformed"),
        ({"user": "1"}, 400, "field_unknown"),
        ({"state": "approved"}, 400, "field_unknown"),
        ({"parameters": {"k": "0"}}, 400, "field_unknown"),
        ({"parameters": {"P0_init": 7}}, 400, "malformed"),
        ({"parameters": {"fee": "0.9"}}, 422, "config_invalid"),
        ({"words": proposals.words(is_demo="1")}, 400, "field_unknown"),
        ({"words": proposals.words(unit="USDC")}, 422, "request_refused"),
        ({"brief": proposals.brief(kind="vibes")}, 400, "malformed"),
        ({"brief": proposals.brief(queries=["x"] * 61)}, 400, "malformed"),
        ({"brief": proposals.brief(queries=[["x"]])}, 400, "malformed"),
    ],
)
def test_refuses(
    as_alice: Caller, nothing_happened: Nothing, changes: dict[str, Any], status: int, code: str
) -> None:
    with nothing_happened():
        answer = propose(as_alice, body(**changes))

    assert (answer.status, answer.code) == (status, code)


def test_every_complaint_is_listed(as_alice: Caller) -> None:
    answer = propose(as_alice, body(words=proposals.words(unit="USDC", question="Up")))

    assert len(answer.fields["problems"]) == 4


def test_what_is_near_is_named(as_alice: Caller) -> None:
    open_market("natural-gas-in-asia")

    answer = propose(as_alice)

    assert (answer.code, answer.fields["names"]) == ("duplicate_market", ["Natural Gas In Asia"])


def test_takes_it_back(as_alice: Caller, alice: User) -> None:
    made = propose(as_alice).json

    answer = as_alice.post(f"{REQUESTS}{made['id']}/withdraw/", {})
    again = as_alice.post(f"{REQUESTS}{made['id']}/withdraw/", {})

    assert (answer.status, answer.json["state"]) == (200, "withdrawn")
    assert answer.json["stake_state"] == "returned"
    assert (again.status, again.code) == (422, "already_so")
    assert portfolio.money(alice).cash_micro == usdc("1000")


def test_shows_the_decision(as_alice: Caller, alice: User, staff: User) -> None:
    request = proposed(alice, "Rain in Lima")
    decisions.request_approve(actor=staff, request=request, reason="well specified")

    shown = as_alice.get(f"{REQUESTS}{request.public_id}/").json

    assert (shown["state"], shown["market"]) == ("approved", "rain-in-lima")
    assert (shown["reason"], shown["stake_state"]) == ("well specified", "contributed")


def test_pages_of_proposals(as_alice: Caller, alice: User) -> None:
    made = [proposed(alice, name) for name in ("Rain in Lima", "Chess openings", "Copper theft")]

    first = as_alice.get(REQUESTS, limit="2").json
    rest = as_alice.get(REQUESTS, limit="2", cursor=first["next"]).json

    found = [row["id"] for row in (*first["results"], *rest["results"])]
    assert found == [row.public_id for row in made[::-1]]
    assert rest["next"] is None


def test_charlie_and_strangers(
    as_alice: Caller, alice: User, charlie: User, nothing_happened: Nothing
) -> None:
    made = propose(as_alice).json
    address = f"{REQUESTS}{made['id']}/"
    stranger, other = Caller(), Caller(charlie)

    with nothing_happened():
        assert other.get(address).code == "not_found"
        assert other.post(f"{address}withdraw/", {}).code == "not_found"
        assert other.get(REQUESTS).json["results"] == []
        for answer in (stranger.get(REQUESTS), stranger.get(address), propose(stranger)):
            assert answer.code == "not_signed_in"
        assert stranger.post(f"{address}withdraw/", {}).code == "not_signed_in"


def test_a_token_needs_its_scope(alice: User) -> None:
    callers = {
        scope: Caller(secret=tokens.create(user=alice, name="bot", scopes=[scope])[1])
        for scope in ("read", "trade")
    }

    assert propose(callers["read"]).code == "scope_missing"
    assert callers["trade"].get(REQUESTS).code == "scope_missing"
    assert MarketRequest.objects.count() == 0
    assert propose(callers["trade"]).status == 201
    assert callers["read"].get(REQUESTS).status == 200


def test_needs_a_key(as_alice: Caller) -> None:
    assert as_alice.post(REQUESTS, body()).code == "key_missing"


def test_pools_are_open_to_all() -> None:
    gas = open_market("gas", soft_cap="1000", hard_cap="2000")
    contribute(funded_user("500"), gas, "250")
    buy(funded_user("100"), active_market("oil"), "20")

    rows = Caller().get("liquidity/pools/").json["results"]

    assert [row["market"] for row in rows] == ["gas", "oil"]
    assert (rows[0]["funded"], rows[0]["room"]) == ("0.25000000", "1750.000000")
    assert (rows[0]["providers"], rows[0]["unit_value"]) == (1, None)
    assert (rows[1]["unit_value"], rows[1]["fees"]) == ("1.00000000", "0.090000")
    first = Caller().get("liquidity/pools/", limit="1").json
    assert (len(first["results"]), first["next"]) == (1, "gas")


def test_one_pool_has_the_limits_of_leaving() -> None:
    active_market("oil")

    pool = Caller().get("liquidity/pools/oil/").json

    assert pool["vesting"][0] == {"days": 7, "share": "0.25000000"}
    assert (pool["daily_cap"], pool["worst_day"]) == ("0.10000000", None)
    assert Caller().get("liquidity/pools/none/").code == "not_found"


def test_previews_a_contribution(nothing_happened: Nothing) -> None:
    open_market("gas", soft_cap="1000", hard_cap="2000")

    with nothing_happened():
        shown = Caller().post("liquidity/pools/gas/preview/", {"amount": "400"}).json

    assert (shown["units"], shown["share"]) == ("400.000000000", "0.40000000")
    assert [row["worth"] for row in shown["later"]][-1] == "400.000000"
    assert shown["refused"] is None


@pytest.mark.parametrize(("amount", "code"), [("1", "min_contribution"), ("3000", "hard_cap")])
def test_a_preview_names_the_rule(amount: str, code: str) -> None:
    open_market("gas", soft_cap="1000", hard_cap="2000")

    shown = Caller().post("liquidity/pools/gas/preview/", {"amount": amount}).json

    assert (shown["units"], shown["refused"]["code"]) == (None, code)


def test_a_halted_pool_previews_its_halt() -> None:
    market: Market = open_market("gas")
    settlement.halt(market.pk, rule="invariant", detail="test")

    shown = Caller().post("liquidity/pools/gas/preview/", {"amount": "100"}).json

    assert shown["refused"]["code"] == "market_halted"


def test_is_described() -> None:
    generator: Any = SchemaGenerator
    schema = dict(generator().get_schema(request=None, public=True))
    operations = [
        (verb, path, said["tags"])
        for path, verbs in schema["paths"].items()
        for verb, said in verbs.items()
        if "/liquidity/" in path
    ]

    assert len(operations) == 12
    assert {tuple(tags) for _, _, tags in operations} == {("liquidity",)}
    assert MarketRequest.objects.count() == 0
