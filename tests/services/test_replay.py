"""A log settled again gives the same bytes, whatever the engine was told besides the log."""

from typing import Any

import pytest

from exchange import clock
from exchange.errors import Unprocessable
from exchange.models import Command, LiveState, Market, Position, Tick, User
from exchange.services import audit, ledger, markets, recorded, replay, settlement
from exchange.services import staff as services
from exchange.services.batch import Request
from tests.factories import (
    active_market,
    buy,
    buy_later,
    command,
    contribute,
    funded_user,
    key,
    open_market,
    sell,
    usdc,
)
from tests.forgery import edit

pytestmark = pytest.mark.django_db

REPORTS = [{"delta_pico": 10**10, "confidence_e8": 9 * 10**7}] * 3
WHY = "under examination"


def refused(user: User, market: Market, amount: str) -> dict[str, Any]:
    with pytest.raises(Unprocessable) as refusal:
        buy(user, market, amount)
    return {"code": refusal.value.code, **refusal.value.fields}


def found(market: Market) -> list[dict[str, Any]]:
    return [{k: f[k] for k in ("what", "command") if k in f} for f in replay.differences(market)]


def deposit(user: User, amount: str) -> None:
    ledger.credit_external(user_id=user.pk, amount_micro=usdc(amount), kind="deposit", ref=key())


def test_nothing_differs_after_a_life(alice: User, bob: User) -> None:
    market = active_market()
    for user in (alice, bob):
        buy(user, market, "100")
    markets.oracle_apply(market_id=market.pk, reports=REPORTS, ref=key())
    sell(alice, market, 10**9)
    with clock.shifted(3_600):
        markets.heartbeat(market.pk, clock.now_s())
        sell(bob, market, 10**9)

    assert found(market) == []


def test_nothing_differs_in_a_market_that_nobody_asked_anything() -> None:
    assert found(open_market()) == []


def test_money_that_came_from_elsewhere_is_seen_by_the_engine(alice: User) -> None:
    here, there = active_market(), active_market()
    poor = funded_user("10")
    assert refused(poor, here, "50")["cash_micro"] == usdc("10")
    deposit(poor, "20")
    buy(poor, there, "15")
    assert refused(poor, here, "50")["code"] == "insufficient_funds"
    deposit(poor, "100")
    refused(poor, here, "0.000001")
    buy(alice, here, "50")
    buy(poor, here, "50")
    refused(poor, here, "500")

    assert found(here) == found(there) == []


def test_somebody_without_an_account_has_nothing(alice: User) -> None:
    market, nobody = active_market(), funded_user("0")
    assert refused(nobody, market, "50")["cash_micro"] == 0
    deposit(nobody, "100")
    buy(nobody, market, "50")

    assert found(market) == []


def test_a_refusal_and_a_trade_of_one_batch_see_the_same_purse(alice: User, bob: User) -> None:
    market = active_market(pool="100000")
    for user, amount in ((alice, "600"), (alice, "700"), (bob, "2000"), (alice, "300")):
        buy_later(user, market, amount)
    settlement.drain(market.pk)

    accepted = Command.objects.filter(market=market, kind="buy").order_by("seq")
    assert list(accepted.values_list("accepted", flat=True)) == [True, False, False, True]
    assert found(market) == []


@pytest.mark.breaks_books
def test_an_order_that_was_denied_without_cause_is_named(alice: User) -> None:
    market = active_market()
    refused(alice, market, "2000")
    buy(alice, market, "50")
    lie = (
        "UPDATE exchange_command SET result ="
        " jsonb_set(result, '{fields, cash_micro}', '5') WHERE seq = 2"
    )

    edit(lie)

    assert found(market) == [{"what": "answer", "command": 2}]


def test_who_was_barred_then_is_barred_again(alice: User, staff: User) -> None:
    market = active_market()
    buy(alice, market, "50")
    services.opens_bar(actor=staff, user=alice, reason=WHY)
    assert refused(alice, market, "50")["reason"] == "barred"
    sell(alice, market, 10**9)
    services.opens_allow(actor=staff, user=alice, reason=WHY)
    buy(alice, market, "50")

    assert found(market) == []


def test_refunds_in_slices_are_paid_to_the_same_people(monkeypatch: Any) -> None:
    monkeypatch.setattr("exchange.services.batch_load.REFUNDS_MAX", 2)
    market = open_market(soft_cap="1000", hard_cap="2000")
    people = [funded_user("100") for _ in range(5)]
    for user in people:
        contribute(user, market, "60")
    due = market.live.state["deadline_s"] - clock.now_s() + 1
    with clock.shifted(due):
        for _ in range(3):
            markets.refunds_due(clock.now_s())

    assert Command.objects.filter(market=market, kind="refund", accepted=True).count() == 3
    assert found(market) == []


def test_ticks_that_were_dropped_are_not_missed(alice: User, monkeypatch: Any) -> None:
    market = active_market()
    buy(alice, market, "50")
    Tick.objects.filter(market=market, seq=1).delete()

    assert found(market) == []
    assert audit.examine() == []


def test_goes_in_steps_of_any_size(alice: User, monkeypatch: Any) -> None:
    market = active_market()
    for _ in range(5):
        buy(alice, market, "5")
    monkeypatch.setattr(replay, "BATCHES_AT_ONCE", 2)

    assert found(market) == []


@pytest.mark.breaks_books
def test_stops_at_the_first_state_that_is_another(alice: User) -> None:
    market = active_market()
    for _ in range(3):
        buy(alice, market, "5")
    request = Request("buy", {"amount_micro": usdc("6")}, "")
    edit(
        "UPDATE exchange_command SET payload = '{\"amount_micro\": 6000000}', request_hash = %s"
        " WHERE seq = 2",
        request.digest,
    )

    assert [f["what"] for f in found(market)] == ["answer", "fills", "entries", "tick", "state"]


def test_the_tables_keep_what_the_engine_brings_about() -> None:
    assert {"shares_nano", "entry_micro", "realised_micro"} <= set(recorded.HELD)
    assert {"units_nano", "cohorts", "owed", "acc_paid"} <= set(recorded.STAKED)
    assert {"seq", "trader", "side", "value_micro", "fee_micro"} <= set(recorded.FILLED)
    assert {"market_pico", "display_pico", "clamped"} <= set(recorded.PRICED)
    assert len(recorded.MOVED) == 7


def test_knows_that_nothing_opened_while_it_was_forbidden(
    alice: User, bob: User, staff: User
) -> None:
    """A resting order is not its owner's command of that batch, and yet it was barred."""
    market = active_market()
    buy(bob, market, "300")
    price = {"shares_nano": 5 * 10**9, "price_pico": 10_050 * 10**9}
    command(alice, market, "limit", intent="open_long", **price)
    services.reduce_only_set(actor=staff, market=market, reason=WHY)

    sell(bob, market, Position.objects.get(user=bob).shares_nano)

    assert not Position.objects.filter(user=alice).exists()
    assert found(market) == []


def test_the_batch_that_trips_the_breaker_was_not_barred_itself() -> None:
    market, trader = active_market(pool="1000", band=None), funded_user("5000")

    for _ in range(3):
        buy(trader, market, "240")

    assert LiveState.objects.get(market=market).pause_rule == "price_move"
    assert found(market) == []
