"""What a preview says is what the receipt says: random orders, through tables and through the API.

Nobody else's order comes in between, and no parameter moves: then it is the same to the last digit.
"""

import os
from collections import Counter
from random import Random
from typing import Any

import pytest

from exchange import clock
from exchange.engines import outcome
from exchange.engines.units import format_fixed
from exchange.models import Command, LiveState, Participant, Session
from exchange.selectors.outcome import portfolio, quotes
from exchange.services.outcome import orders
from exchange.services.sessions import lobby
from tests.api.caller import Caller
from tests.factories import key, running_session, ticked
from tests.stillness import still_clock  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]

NIGHTLY = bool(os.environ.get("MEGATRON_NIGHTLY"))
ORDERS = 1_000 if NIGHTLY else 60
BY_API = 25
LIVELY: dict[str, Any] = {
    "z": "3000", "gas_fee": "0.05", "zeta_start": "0.2", "kappa_start": "0.0001", "mu_start": "2",
    "sigma": "0.3", "default_max_slippage": "0.5", "starting_balance": "400",
}  # fmt: skip
SEED = 11


def crowd(count: int = 4) -> tuple[Session, list[tuple[Participant, str]]]:
    """Return a session and people with their tokens."""
    session = running_session(outcomes=5, total_duration_ms="86400000", **LIVELY)
    people = [lobby.join(session=session, name=f"P{n}", user=None) for n in range(count)]
    return session, [(player, secret or "") for player, secret in people]


def drawn(dice: Random, session: Session, player: Participant) -> dict[str, Any]:
    """Draw an order near the prices, mostly of what there is, now and then beyond it."""
    state = outcome.MarketState.from_mapping(LiveState.objects.get(pk=session.pk).state)
    held = portfolio.trader(player).held_micro
    having = [token for token, amount in enumerate(held) if amount]
    sells = bool(having) and dice.random() < 0.45
    token = dice.choice(having) if sells else dice.randrange(10)
    row = state.outcomes[token >> 1]
    shown = (row.no_pico if token & 1 else row.yes_pico) // 10**10
    most = held[token] // 10**4 if sells and dice.random() < 0.9 else 20_000
    order: dict[str, Any] = {
        "side": outcome.SELL if sells else outcome.BUY,
        "outcome": token >> 1,
        "token": token & 1,
        "size_micro": dice.randint(1, max(1, most)) * 10**4 + dice.choice([0] * 30 + [5_000]),
    }
    if dice.random() < 0.5:
        order["price_micro"] = min(99, max(1, shown + dice.randint(-4, 4))) * 10**4
        order["auto_fill"] = dice.random() < 0.6
    elif dice.random() < 0.5:
        order["max_slippage_e9"] = dice.choice([10**6, 10**8, 10**9])
    return order


def again(player: Participant) -> Participant:
    """Return somebody as the tables have them now."""
    return Participant.objects.select_related("session__market__live", "user").get(pk=player.pk)


def placed(player: Participant, order: dict[str, Any]) -> int:
    """Leave an order for the next tick; return its number in the log."""
    asked = {**order, "outcome_no": order["outcome"]}
    asked.pop("outcome")
    return orders.order_place(participant=player, key=key(), **asked).id


@pytest.mark.timeout(3_600 if NIGHTLY else 300)
def test_the_receipt_of_random_orders_is_their_preview() -> None:
    session, people = crowd()
    dice, seen = Random(SEED), Counter[str]()
    for number in range(ORDERS):
        player = again(dice.choice(people)[0])
        order = drawn(dice, session, player)
        with clock.shifted(number):
            told = quotes.preview(player.session, player, order)
            before = portfolio.trader(player)
            command = placed(player, order)
        ticked(session, number + 1)

        live = LiveState.objects.get(pk=session.pk)
        receipt, after = Command.objects.get(pk=command).result or {}, portfolio.trader(player)
        state = outcome.MarketState.from_mapping(live.state)
        assert told.prices == tuple((row.yes_pico, row.no_pico) for row in state.outcomes)
        assert after == told.after, order
        assert after.cash_micro - before.cash_micro == told.cash_micro
        assert after.reserved_micro - before.reserved_micro == told.locked_micro
        if told.refused is not None:
            assert (receipt["code"], receipt["fields"]) == (told.refused.code, told.refused.fields)
            seen[told.refused.code] += 1
            continue
        assert told.order is not None
        for name in ("filled", "remaining", "amount", "fee", "rebate", "gas"):
            assert receipt[f"{name}_micro"] == getattr(told.order, f"{name}_micro")
        assert receipt["status"] == told.order.status
        seen[told.order.status] += 1

    assert {"filled", "open", "partial"} <= set(seen)
    assert {"slippage", "insufficient_funds", "bad_size"} <= set(seen)


@pytest.mark.usefixtures("unlimited")
def test_the_api_tells_the_same_before_and_after() -> None:
    session, people = crowd()
    dice, seen = Random(SEED + 1), Counter[str]()
    one = f"sessions/{session.code}/"
    for number in range(BY_API):
        player, secret = dice.choice(people)
        caller, body = Caller(secret=secret), as_sent(drawn(dice, session, again(player)))
        with clock.shifted(number):
            told = caller.post(f"{one}orders/preview/", body).json
            taken = caller.post(f"{one}orders/", body, Idempotency_Key=key()).json
        ticked(session, number + 1)

        receipt = caller.get(f"{one}orders/{taken['id']}/").json
        assert receipt["answer"] == told["answer"]
        assert receipt["refused"] == told["refused"]
        assert receipt["status"] == (told["status"] or "refused")
        assert (receipt["tick"], taken["tick"]) == (told["tick"], told["tick"])
        assert caller.get(f"{one}mine/").json["cash"] == told["cash_after"]
        shown = [row["price"] for row in caller.get(one).json["outcomes"]]
        assert [[row["yes"], row["no"]] for row in shown] == told["prices"]
        seen[receipt["status"]] += 1

    assert min(seen[status] for status in ("filled", "open", "refused")) > 0


def as_sent(order: dict[str, Any]) -> dict[str, Any]:
    """Return an order as a program writes it."""
    places = {"size_micro": 6, "price_micro": 6, "max_slippage_e9": 9}
    body = {
        name.rpartition("_")[0]: format_fixed(order[name], n)
        for name, n in places.items()
        if name in order
    }
    plain: dict[str, Any] = {
        name: order[name] for name in ("side", "outcome", "auto_fill") if name in order
    }
    return {**plain, **body, "token": ("yes", "no")[order["token"]]}


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limits on the rate of requests."""
    for room in ("exchange.api.throttles", "exchange.limits"):
        monkeypatch.setattr(f"{room}.take", lambda *_, **__: None)
