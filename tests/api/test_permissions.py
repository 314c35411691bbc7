"""Every address and verb of the API, as everybody: a new one fails until it stands in the table."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from exchange.api import urls
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.services import tokens
from tests.api.caller import Answer, Caller
from tests.factories import buy, funded_user, key, open_market, rested

pytestmark = pytest.mark.django_db

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
QUOTE = {"side": "buy", "amount": "5"}
LIMIT = {"intent": "open_long", "shares": "1", "price": "9"}
TARGETS = {"stop_price": "5", "target_price": None}
EXIT = {"shares": "0.1", "chunks": 1, "interval_s": 60}
COLLATERAL = {"action": "add", "amount": "1"}


class Row(NamedTuple):
    """What each caller is answered; `scope` is what a token needs, "" where it needs none."""

    visitor: int
    owner: int
    charlie: int
    staff: int
    scope: str | None
    body: Any = None


PUBLIC = Row(200, 200, 200, 200, "")
OWN_LIST = Row(401, 200, 200, 200, "read")
OWN_ROW = Row(401, 200, 404, 404, "read")
# A session's address: no token may, whatever its scopes.
BY_SESSION = None

TABLE = {
    ("GET", "markets/"): PUBLIC,
    ("GET", "markets/<slug:slug>/"): PUBLIC,
    ("GET", "markets/<slug:slug>/snapshot/"): PUBLIC,
    ("GET", "markets/<slug:slug>/candles/"): PUBLIC,
    ("GET", "markets/<slug:slug>/trades/"): PUBLIC,
    ("GET", "markets/<slug:slug>/events/"): PUBLIC,
    ("POST", "markets/<slug:slug>/quotes/"): PUBLIC._replace(body=QUOTE),
    ("GET", "staff-actions/"): PUBLIC,
    ("POST", "markets/<slug:slug>/orders/"): Row(401, 201, 201, 422, "trade", QUOTE),
    ("POST", "markets/<slug:slug>/contributions/"): Row(
        401, 201, 201, 422, "trade", {"amount": "10"}
    ),
    ("POST", "markets/<slug:slug>/contributions/quote/"): PUBLIC._replace(body={"amount": "10"}),
    ("POST", "markets/<slug:slug>/limit-orders/"): Row(401, 201, 201, 422, "trade", LIMIT),
    ("POST", "markets/<slug:slug>/limit-orders/quote/"): PUBLIC._replace(body=LIMIT),
    ("POST", "markets/<slug:slug>/targets/"): Row(401, 201, 422, 422, "trade", TARGETS),
    ("POST", "markets/<slug:slug>/targets/quote/"): Row(401, 200, 200, 200, "read", TARGETS),
    ("POST", "markets/<slug:slug>/timed-exits/"): Row(401, 201, 422, 422, "trade", EXIT),
    ("POST", "markets/<slug:slug>/collateral/"): Row(401, 422, 422, 422, "trade", COLLATERAL),
    ("POST", "markets/<slug:slug>/collateral/quote/"): Row(401, 200, 200, 200, "read", COLLATERAL),
    ("POST", "markets/<slug:slug>/withdrawals/"): Row(401, 422, 422, 422, "trade", {"units": "1"}),
    ("POST", "markets/<slug:slug>/withdrawals/quote/"): Row(
        401, 200, 200, 200, "read", {"units": "1"}
    ),
    ("POST", "markets/<slug:slug>/fee-claims/"): Row(401, 422, 422, 422, "trade", {}),
    ("GET", "orders/"): OWN_LIST,
    ("GET", "orders/<str:order_id>/"): OWN_ROW,
    ("GET", "resting/"): OWN_LIST,
    ("GET", "resting/<str:resting_id>/"): OWN_ROW,
    ("POST", "resting/<str:resting_id>/cancel/"): Row(401, 201, 404, 404, "trade", {}),
    ("POST", "resting/cancel-all/"): Row(401, 200, 200, 200, "trade", {}),
    ("GET", "withdrawals/"): OWN_LIST,
    ("GET", "fills/"): OWN_LIST,
    ("GET", "positions/"): OWN_LIST,
    ("GET", "stakes/"): OWN_LIST,
    ("GET", "balances/"): OWN_LIST,
    ("GET", "me/"): OWN_LIST,
    ("GET", "tokens/"): Row(401, 200, 200, 200, BY_SESSION),
    ("POST", "tokens/"): Row(401, 201, 201, 201, BY_SESSION, {"name": "bot", "scopes": ["read"]}),
    ("GET", "tokens/<str:token_id>/"): Row(401, 200, 404, 404, BY_SESSION),
    ("DELETE", "tokens/<str:token_id>/"): Row(401, 204, 404, 404, BY_SESSION),
}
each_row = pytest.mark.parametrize(("verb", "route"), TABLE, ids=lambda part: part)


class Place:
    """Where the rows of the table are tried: a market of each kind, and things of Alice's."""

    def __init__(self, market: Market, alice: User) -> None:
        receipt = buy(alice, market, "5")
        self.order = public_id("ord", receipt.id)
        self.token = public_id("tok", tokens.create(user=alice, name="hers", scopes=["read"])[0].pk)
        self.resting = rested(alice, market)
        open_market("gas")

    def call(self, caller: Caller, verb: str, route: str, row: Row) -> Answer:
        slug = "gas" if "contributions" in route else "oil"
        address = (
            route.replace("<slug:slug>", slug)
            .replace("<str:order_id>", self.order)
            .replace("<str:token_id>", self.token)
            .replace("<str:resting_id>", self.resting)
        )
        if verb == "POST":
            return caller.post(address, row.body, Idempotency_Key=key())
        return caller.get(address) if verb == "GET" else caller.delete(address)


@pytest.fixture
def place(market: Market, alice: User) -> Place:
    """Return a place with things of Alice's in it."""
    return Place(market, alice)


def test_every_address_and_verb_is_in_the_table() -> None:
    found = {
        (verb, str(entry.pattern))
        for entry in urls.urlpatterns
        for verb in VERBS
        if hasattr(getattr(entry.callback, "cls", None), verb.lower())
    }

    assert found == set(TABLE)


def _routes(resolver: URLResolver, before: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _routes(entry, route)


def test_the_addresses_are_what_they_were() -> None:
    known = {f"api/v1/{route}" for _, route in TABLE}
    found = {r for r in _routes(get_resolver(), "") if r.startswith("api/v1/")}

    assert known <= found


@each_row
def test_each_is_answered_as_the_table_says(place: Place, verb: str, route: str) -> None:
    row = TABLE[verb, route]
    alice = User.objects.get(display_name="Alice")
    people = {
        "visitor": Caller(),
        "charlie": Caller(funded_user("1000")),
        "staff": Caller(funded_user("0", is_staff=True, is_superuser=True)),
        "owner": Caller(alice),
    }

    found = {name: place.call(who, verb, route, row).status for name, who in people.items()}

    assert found == {name: getattr(row, name) for name in people}


@each_row
def test_tokens_are_held_to_their_scopes(
    place: Place, alice: User, by_token: Callable[..., Caller], verb: str, route: str
) -> None:
    row = TABLE[verb, route]
    every = set(tokens.SCOPES)

    if row.scope is BY_SESSION:
        assert place.call(by_token(alice, *every), verb, route, row).status == 403
        return
    if row.scope:
        lacking = by_token(alice, *(every - {row.scope}))
        assert place.call(lacking, verb, route, row).code == "scope_missing"
    enough = by_token(alice, row.scope or "withdraw")
    assert place.call(enough, verb, route, row).status == row.owner


@each_row
def test_who_is_refused_changes_nothing(
    place: Place,
    verb: str,
    route: str,
    nothing_happened: Callable[[], AbstractContextManager[None]],
) -> None:
    row = TABLE[verb, route]
    callers = [(Caller(), row.visitor)]
    charlie = funded_user("1000")
    callers.append((Caller(charlie), row.charlie))

    for caller, status in callers:
        if status in {401, 403, 404}:
            with nothing_happened():
                place.call(caller, verb, route, row)
