"""Every address and verb of the oracle's API, as everybody, and what each page costs the books."""

from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exchange import clock
from exchange.models import User
from exchange.services import tokens
from oracle import urls_api
from oracle.models import Forecast
from oracle.services import cards, staff
from tests.api.caller import Answer, Caller
from tests.factories import active_market, funded_user, key
from tests.oracle import world

pytestmark = pytest.mark.django_db

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REASON = "Because it is tested."
QUERIES_MAX = 15


class Row(NamedTuple):
    """What each caller is answered; `scope` is what a token needs, "" where it needs none."""

    visitor: int
    owner: int
    charlie: int
    staff: int
    scope: str


PUBLIC = Row(200, 200, 200, 200, "")
TABLE = {
    ("GET", "runs/"): PUBLIC,
    ("GET", "runs/<str:run_id>/"): PUBLIC,
    ("GET", "report-cards/"): PUBLIC,
    ("GET", "oracle-records/"): PUBLIC,
    # The right to forecast is granted to one person; staff have it as little as anybody.
    ("POST", "forecasts/"): Row(401, 201, 403, 403, "forecast"),
    ("GET", "forecasts/"): Row(401, 200, 200, 200, "forecast"),
}
each_row = pytest.mark.parametrize(("verb", "route"), TABLE, ids=lambda part: part)


class Place:
    """A market with runs and a card, and two forecasters of whom Alice is one."""

    def __init__(self, folder: Path, alice: User, chief: User) -> None:
        now = clock.now()
        rows = [
            world.news(f"{world.GOOD} {n}", at=now - timedelta(hours=n), text="Widgets.")
            for n in range(1, 9)
        ]
        world.archive(folder, "wire", *rows)
        self.market = world.oracle_market()
        self.run = world.run(self.market)
        self.other = active_market("oil")
        self.chief, self.alice, self.bob = chief, alice, funded_user("10")
        for user, name in ((alice, "Seer"), (self.bob, "Sayer")):
            staff.forecaster_grant(actor=chief, user=user, name=name, reason=REASON)
        period: dict[str, Any] = {"start": now - timedelta(hours=4), "end": now, "step_s": 3_600}
        cards.card_make(market_id=self.market.pk, **period)

    def call(self, caller: Caller, verb: str, route: str) -> Answer:
        address = route.replace("<str:run_id>", self.run.public_id)
        if verb == "POST":
            body = {"market": self.market.slug, "delta": "-0.01", "confidence": "0.7"}
            return caller.post(address, body, Idempotency_Key=key())
        return caller.get(address)


@pytest.fixture
def place(tmp_path: Path, settings: Any, alice: User, admin_user: User) -> Place:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return Place(tmp_path, alice, admin_user)


def test_every_address_and_verb_is_in_the_table() -> None:
    found = {
        (verb, str(entry.pattern))
        for entry in urls_api.urlpatterns
        for verb in VERBS
        if hasattr(getattr(entry.callback, "cls", None), verb.lower())
    }
    assert found == set(TABLE)


def test_each_is_answered_as_the_table_says(place: Place) -> None:
    people = {
        "visitor": Caller(),
        "owner": Caller(place.alice),
        "charlie": Caller(funded_user("10")),
        "staff": Caller(place.chief),
    }
    for (verb, route), row in TABLE.items():
        found = {name: place.call(who, verb, route).status for name, who in people.items()}
        assert found == {name: getattr(row, name) for name in people}, (verb, route)
    assert set(Forecast.objects.values_list("forecaster_id", flat=True)) == {place.alice.pk}


def test_tokens_are_held_to_their_scopes(place: Place) -> None:
    def holder(*scopes: str) -> Caller:
        _, secret = tokens.create(
            user=place.alice, name="bot", scopes=scopes, proved_at=clock.now()
        )
        return Caller(secret=secret)

    lacking, enough = holder(*(set(tokens.SCOPES) - {"forecast"})), holder("forecast")
    for (verb, route), row in TABLE.items():
        if row.scope:
            assert place.call(lacking, verb, route).code == "scope_missing"
        else:
            assert place.call(lacking, verb, route).status == 200
        assert place.call(enough, verb, route).status == row.owner


def test_a_forecaster_never_sees_another_s_list(place: Place) -> None:
    hers, his = Caller(place.alice), Caller(place.bob)
    made = {
        who: [place.call(caller, "POST", "forecasts/").json["id"] for _ in range(2)]
        for who, caller in (("hers", hers), ("his", his))
    }
    for who, caller, other in (("hers", hers, "his"), ("his", his, "hers")):
        for query in ({}, {"market": place.market.slug}, {"cursor": max(made[other])}):
            seen = {row["id"] for row in caller.get("forecasts/", **query).json["results"]}
            assert seen <= set(made[who])
        assert {row["id"] for row in caller.get("forecasts/").json["results"]} == set(made[who])
    assert Caller(place.chief).get("forecasts/").json["results"] == []


def test_a_dry_run_does_not_exist_for_anybody_outside(place: Place) -> None:
    dry = staff.dry_run(actor=place.chief, market_id=place.market.pk, reason=REASON)
    for caller in (Caller(), Caller(place.alice), Caller(place.chief)):
        assert caller.get(f"runs/{dry.public_id}/").status == 404
        assert [row["id"] for row in caller.get("runs/").json["results"]] == [place.run.public_id]


def asked(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_no_page_and_no_list_asks_more_than_fifteen_times(place: Place, client: Client) -> None:
    client.force_login(place.alice)
    place.call(Caller(place.alice), "POST", "forecasts/")
    slug, run = place.market.slug, place.run.public_id
    addresses = [
        f"/markets/{slug}/oracle/",
        f"/markets/{slug}/oracle/card/",
        f"/oracle/runs/{run}/",
        "/oracle/records/",
        *(
            f"/api/v1/{route.replace('<str:run_id>', run)}"
            for verb, route in TABLE
            if verb == "GET"
        ),
    ]
    few = {address: asked(client, address) for address in addresses}
    now = clock.now()
    period: dict[str, Any] = {"start": now - timedelta(hours=2), "end": now, "step_s": 3_600}
    for _ in range(3):
        staff.run_label(actor=place.chief, run=world.run(place.market), sign=1, reason=REASON)
        cards.card_make(market_id=place.market.pk, **period)
        place.call(Caller(place.alice), "POST", "forecasts/")
    many = {address: asked(client, address) for address in addresses}

    assert {address: count for address, count in many.items() if count > QUERIES_MAX} == {}
    assert many == few, "what a list asks does not grow with its rows"
