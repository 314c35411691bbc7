"""The end of a market and its recalibration: announced with notice, public, done by the clock."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from exchange import clock
from exchange.admin.orders import CommandAdmin
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import (
    Command,
    LiveState,
    Market,
    MarketEvent,
    Position,
    RestingOrder,
    StaffAction,
    User,
)
from exchange.services import due, staff
from tests.admin.conftest import browser_of
from tests.admin.test_verbs import choose
from tests.factories import active_market, buy, limit, open_market, sell

pytestmark = pytest.mark.django_db
WHY = "the index ends this year"
TWO_DAYS = timedelta(days=2)
Nothing = Callable[[], AbstractContextManager[None]]


def typed(at: datetime) -> str:
    """Return an instant as a browser's field sends it."""
    return at.strftime("%Y-%m-%dT%H:%M")


def test_a_wind_down_asks_for_the_time_and_the_reason(as_staff: Client, market: Market) -> None:
    status, page = choose(as_staff, "market", "wind_down_announce", market.pk)

    assert status == 200
    assert 'name="settle_at"' in page
    assert 'name="reason"' in page
    assert not StaffAction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_announced_wind_down_is_public_and_settled_by_the_clock(
    as_staff: Client, market: Market, alice: User, client: Client
) -> None:
    held = buy(alice, market, "100").result["shares_nano"]
    limit(alice, market, "open_long", "1", "9")
    at = clock.now() + TWO_DAYS

    choose(as_staff, "market", "wind_down_announce", market.pk, reason=WHY, settle_at=typed(at))

    market.refresh_from_db()
    settle_at_s = LiveState.objects.get(market=market).state["settle_at_s"]
    assert (market.status, settle_at_s) == ("winding", int(at.timestamp()) // 60 * 60)
    assert RestingOrder.objects.get().status == "cancelled"
    event = MarketEvent.objects.get(market=market, kind="wind_down")
    assert (event.rule, event.detail) == (WHY, {"by": "staff", "settle_at_s": settle_at_s})
    log = client.get("/api/v1/staff-actions/").json()["results"]
    assert [(act["verb"], act["reason"]) for act in log] == [("market.wind_down_announced", WHY)]
    with pytest.raises(Unprocessable) as closed:
        buy(alice, market, "10")
    assert closed.value.code == "closed_only"
    assert sell(alice, market, held // 2).accepted
    assert due.settlements(settle_at_s - 1) == 0
    with clock.shifted(3 * 86_400):
        assert due.settlements(settle_at_s) == 1
    market.refresh_from_db()
    assert market.status == "settled"
    assert Position.objects.get(user=alice).shares_nano == 0


@pytest.mark.parametrize("hours", [-1, 0, 23.9, 24 * 367])
def test_notice_is_at_least_a_day(
    market: Market, staff_member: User, nothing_happened: Nothing, hours: float
) -> None:
    at = clock.now() + timedelta(hours=hours)

    with nothing_happened(), pytest.raises(Malformed):
        staff.wind_down_announce(actor=staff_member, market=market, settle_at=at, reason=WHY)


def test_the_form_says_that_the_notice_is_too_short(as_staff: Client, market: Market) -> None:
    soon = typed(clock.now() + timedelta(hours=2))

    _, page = choose(
        as_staff, "market", "wind_down_announce", market.pk, reason=WHY, settle_at=soon
    )
    _, empty = choose(as_staff, "market", "wind_down_announce", market.pk, reason=WHY, settle_at="")

    assert "at least 24 hours" in page
    assert "errorlist" in empty
    assert not StaffAction.objects.exists()


def test_a_wind_down_is_announced_once(
    market: Market, staff_member: User, nothing_happened: Nothing
) -> None:
    at = clock.now() + TWO_DAYS
    staff.wind_down_announce(actor=staff_member, market=market, settle_at=at, reason=WHY)

    with nothing_happened(), pytest.raises(Unprocessable) as again:
        staff.wind_down_announce(
            actor=staff_member, market=market, settle_at=at + TWO_DAYS, reason=WHY
        )

    assert (again.value.code, again.value.fields) == ("not_active", {"status": "winding"})


def test_what_does_not_trade_or_is_halted_does_not_wind_down(
    market: Market, staff_member: User, nothing_happened: Nothing
) -> None:
    gas, at = open_market("gas"), clock.now() + TWO_DAYS
    LiveState.objects.filter(market=market).update(halt_rule="invariant")

    for row, code in ((gas, "not_active"), (market, "market_halted")):
        with nothing_happened(), pytest.raises(Unprocessable) as refused:
            staff.wind_down_announce(actor=staff_member, market=row, settle_at=at, reason=WHY)
        assert refused.value.code == code
    LiveState.objects.filter(market=market).update(halt_rule="")


def test_a_trader_ends_no_market(market: Market, charlie: User, nothing_happened: Nothing) -> None:
    at = clock.now() + TWO_DAYS

    with nothing_happened():
        with pytest.raises(NotAllowed):
            staff.wind_down_announce(actor=charlie, market=market, settle_at=at, reason=WHY)
        with pytest.raises(NotAllowed):
            staff.recalibration_set(actor=charlie, market=market, on=True, reason=WHY)


def test_a_reader_ends_no_market(reader: User, market: Market) -> None:
    at = typed(clock.now() + TWO_DAYS)

    for verb in ("wind_down_announce", "recalibration_on"):
        choose(browser_of(reader), "market", verb, market.pk, reason=WHY, settle_at=at)

    assert not StaffAction.objects.exists()


def test_recalibration_is_switched_in_public(as_staff: Client, market: Market) -> None:
    choose(as_staff, "market", "recalibration_on", market.pk, reason="the pool has grown")
    market.refresh_from_db()
    was_on = market.recalibrates
    _, page = choose(as_staff, "market", "recalibration_on", market.pk, reason="once more")
    choose(as_staff, "market", "recalibration_off", market.pk, reason="the pool is steady")

    market.refresh_from_db()
    assert (was_on, market.recalibrates) == (True, False)
    assert "recalibration is on already" in page
    kinds = MarketEvent.objects.filter(market=market, kind__startswith="recalibration")
    assert list(kinds.order_by("id").values_list("kind", "rule")) == [
        ("recalibration_on", "the pool has grown"),
        ("recalibration_off", "the pool is steady"),
    ]
    assert StaffAction.objects.filter(verb__startswith="market.recalibration").count() == 2


def test_an_ended_market_is_not_recalibrated(market: Market, staff_member: User) -> None:
    at = clock.now() + TWO_DAYS
    staff.wind_down_announce(actor=staff_member, market=market, settle_at=at, reason=WHY)

    with pytest.raises(Unprocessable) as refused:
        staff.recalibration_set(actor=staff_member, market=market, on=True, reason=WHY)

    assert refused.value.code == "not_active"


def test_no_verb_settles(as_staff: Client, market: Market) -> None:
    page = as_staff.get(reverse("admin:exchange_market_changelist")).content.decode()

    assert 'value="wind_down_announce"' in page
    assert 'value="settle"' not in page


def test_a_pause_is_shown(as_staff: Client, market: Market) -> None:
    LiveState.objects.filter(market=market).update(
        pause_rule="price_move", pause_since_s=1, pause_until_s=4_000_000_000
    )

    states = as_staff.get(reverse("admin:exchange_livestate_changelist")).content.decode()
    markets = as_staff.get(reverse("admin:exchange_market_changelist")).content.decode()

    assert "price_move" in states
    assert "opening paused: price_move until 07:06 UTC" in markets


def test_whose_opens_a_batch_barred_is_shown(
    as_staff: Client, market: Market, alice: User, staff_member: User
) -> None:
    staff.opens_bar(actor=staff_member, user=alice, reason=WHY)
    with pytest.raises(Unprocessable):
        buy(alice, market, "10")
    gas = active_market("gas")
    staff.reduce_only_set(actor=staff_member, market=gas, reason=WHY)
    with pytest.raises(Unprocessable):
        buy(staff_member, gas, "10")
    table = CommandAdmin(Command, admin.site)

    shown = [table.opens_barred(row) for row in Command.objects.exclude(barred=None).order_by("id")]

    assert shown[0] is not None
    assert shown[0].startswith("those of usr_")
    assert shown[-1] == "everybody's"
    assert (
        "everybody" in as_staff.get(reverse("admin:exchange_command_changelist")).content.decode()
    )
