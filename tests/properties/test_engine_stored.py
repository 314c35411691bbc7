"""A market in tables is settled as one in memory: the same lives come to the same end."""

from dataclasses import dataclass
from typing import Any

import pytest

from exchange import clock
from exchange.engines import variable
from exchange.models import Command, LiveState, Market, Position, RestingOrder, User
from exchange.services import replay, settlement
from exchange.services.batch import Request
from tests.engine.lives import SETTINGS, TRADERS, Life
from tests.factories import active_market, funded_user, key
from tests.faults.scale import scaled

pytestmark = pytest.mark.django_db

BATCHES = 25


@dataclass(frozen=True, slots=True)
class View:
    """What a life looks at before its next batch, by the numbers that the life knows people by."""

    state: variable.MarketState
    traders: dict[int, variable.Trader]
    items: list[int]


def view(market: Market, users: dict[int, User]) -> View:
    state = variable.MarketState.from_mapping(LiveState.objects.get(market=market).state)
    held = dict(Position.objects.filter(market=market).values_list("user_id", "shares_nano"))
    open_items = RestingOrder.objects.filter(market=market, status="open")
    return View(
        state,
        {n: variable.Trader(id=n, shares_nano=held.get(user.pk, 0)) for n, user in users.items()},
        list(open_items.values_list("ref", flat=True)),
    )


def ask(market: Market, user: User | None, kind: str, payload: dict[str, Any]) -> None:
    """Leave a command in the log; `drain` takes all of them in one batch."""
    asked = Request(kind, payload, key(), user.pk if user else None)
    Command.objects.create(
        market=market,
        user=user,
        kind=asked.kind,
        key=asked.key,
        payload=asked.payload,
        request_hash=asked.digest,
    )


@pytest.mark.parametrize("seed", range(scaled(6, 120)))
def test_a_life_in_tables_is_the_same_as_in_memory(seed: int) -> None:
    life = Life(seed, orders=60)
    market = active_market(pool="10000", **SETTINGS[seed % len(SETTINGS)])
    users = {number: funded_user("5000") for number in TRADERS}
    waited_s = 0
    for _ in range(BATCHES):
        seen = view(market, users)
        waited_s += life.random.choice((0, 0, 1, 60, 600))
        with clock.shifted(waited_s):
            for _ in range(life.random.choice((1, 3, 6))):
                kind, payload = life.wish(seen)
                number = payload.pop("trader", None)
                ask(market, None if number is None else users[number], kind, payload)
            settlement.drain(market.pk)
    with clock.shifted(waited_s):
        assert list(replay.differences(market)) == []
    places = RestingOrder.objects.filter(market=market, status="open", kind="limit")
    for order in places:
        wanted = "parked" if order.item["parked"] else order.item["intent"]
        assert order.place == wanted
