"""Shorts, resting orders and what sets them off: the rows, the money and the cause of each."""

from typing import Any

import pytest

from exchange.engines.units import parse_fixed
from exchange.errors import Unprocessable
from exchange.models import (
    Account,
    AccountKind,
    Command,
    Fill,
    LiveState,
    Market,
    MarketEvent,
    Position,
    RestingOrder,
    User,
)
from exchange.services import markets, orders
from tests.factories import (
    active_market,
    buy,
    command,
    funded_user,
    key,
    oracle_moves,
    short,
    usdc,
)

pytestmark = pytest.mark.django_db


def balance(user: User, kind: AccountKind, market: Market | None = None) -> int:
    row = Account.objects.filter(user=user, market=market, kind=kind).first()
    return row.balance_micro if row else 0


def position(user: User, market: Market) -> Position:
    return Position.objects.get(user=user, market=market)


def price(market: Market) -> int:
    tick = LiveState.objects.get(market=market).last_tick
    return parse_fixed(tick["market"], 12)


def limit(user: User, market: Market, intent: str, shares: str, at: str, **more: Any) -> int:
    receipt = command(
        user,
        market,
        "limit",
        intent=intent,
        shares_nano=parse_fixed(shares, 9),
        price_pico=parse_fixed(at, 12),
        **more,
    )
    ref = receipt.result["id"]
    assert isinstance(ref, int)
    return ref


def row(market: Market, ref: int) -> RestingOrder:
    return RestingOrder.objects.get(market=market, ref=ref)


def test_short_is_secured_in_an_account_of_its_own() -> None:
    market, alice = active_market(), funded_user("1000")

    receipt = short(alice, market, "10")

    held = position(alice, market)
    assert held.shares_nano == -(10**10)
    assert balance(alice, AccountKind.ESCROW, market) == held.escrow_micro
    assert held.escrow_micro == receipt.result["margin_micro"] + receipt.result["value_micro"]
    spent = receipt.result["margin_micro"] + receipt.result["fee_micro"]
    spent += receipt.result["surcharge_micro"]
    assert balance(alice, AccountKind.CASH) == usdc("1000") - spent
    assert held.margin_key == held.escrow_micro * 10**36 // 10**10

    command(alice, market, "buy", shares_nano=10**10)

    assert balance(alice, AccountKind.ESCROW, market) == 0
    assert position(alice, market).margin_key is None


def test_one_sale_closes_a_long_and_opens_a_short() -> None:
    market, alice = active_market(), funded_user("1000")
    buy(alice, market, "50")
    held, opened = position(alice, market).shares_nano, position(alice, market).ref

    receipt = command(alice, market, "sell", shares_nano=held + 10**9)

    assert [leg["leg"] for leg in receipt.result["legs"]] == ["close_long", "open_short"]
    after = position(alice, market)
    assert after.shares_nano == -(10**9)
    assert after.ref > opened


def test_collateral_goes_in_and_comes_out_to_the_initial_margin() -> None:
    market, alice = active_market(), funded_user("1000")
    short(alice, market, "10")
    before = position(alice, market).escrow_micro

    command(alice, market, "add_collateral", amount_micro=usdc("25"))
    assert position(alice, market).escrow_micro == before + usdc("25")
    command(alice, market, "remove_collateral", amount_micro=usdc("25"))
    with pytest.raises(Unprocessable) as error:
        command(alice, market, "remove_collateral", amount_micro=usdc("900"))

    assert error.value.code == "margin_low"
    assert balance(alice, AccountKind.ESCROW, market) == before


def test_limit_order_rests_with_its_reserve_and_anothers_trade_fills_it() -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    buy(bob, market, "300")
    ref = limit(alice, market, "open_long", "5", "10.05")

    resting = row(market, ref)
    assert (resting.kind, resting.status, resting.place) == ("limit", "open", "open_long")
    assert balance(alice, AccountKind.RESERVED, market) == resting.reserved_micro > usdc("50")
    assert not Fill.objects.filter(user=alice).exists()

    command(bob, market, "sell", shares_nano=position(bob, market).shares_nano)

    fill = Fill.objects.get(user=alice)
    assert (fill.cause, fill.ref, fill.shares_nano) == ("limit", ref, 5 * 10**9)
    assert row(market, ref).status == "filled"
    assert balance(alice, AccountKind.RESERVED, market) == 0
    assert balance(alice, AccountKind.CASH) == usdc("1000") - fill.value_micro - fill.fee_micro


def test_cancelled_order_gives_its_reserve_back_once() -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    ref = limit(alice, market, "open_long", "5", "9")

    with pytest.raises(Unprocessable) as strangers:
        orders.resting_cancel(user=bob, market=market, ref=ref, key=key())
    orders.resting_cancel(user=alice, market=market, ref=ref, key=key())
    with pytest.raises(Unprocessable) as again:
        orders.resting_cancel(user=alice, market=market, ref=ref, key=key())

    assert strangers.value.code == again.value.code == "nothing"
    assert row(market, ref).status == "cancelled"
    assert balance(alice, AccountKind.CASH) == usdc("1000")


def test_cancel_all_takes_back_each_and_is_safe_to_repeat() -> None:
    market, other, alice = active_market(), active_market(), funded_user("1000")
    for place in (market, market, other):
        limit(alice, place, "open_long", "2", "9")
    name = key()

    assert orders.resting_cancel_all(user=alice, key=name, market=market) == 2
    for _ in range(2):
        assert orders.resting_cancel_all(user=alice, key=name) == 1
    assert balance(alice, AccountKind.CASH) == usdc("1000")


def test_stop_loss_closes_when_the_oracle_falls_through_it() -> None:
    market, alice = active_market(), funded_user("1000")
    buy(alice, market, "100")
    command(alice, market, "targets", stop_pico=parse_fixed("9.7", 12))
    assert position(alice, market).stop_pico == parse_fixed("9.7", 12)

    oracle_moves(market, -30, times=6)

    held = position(alice, market)
    assert (held.shares_nano, held.stop_pico) == (0, None)
    assert Fill.objects.filter(user=alice).latest("id").cause == "stop"


def test_take_profit_of_a_short_fills_at_its_price_or_better() -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    buy(bob, market, "300")
    short(alice, market, "4")
    target = price(market) - parse_fixed("0.05", 12)
    command(alice, market, "targets", target_pico=target)

    command(bob, market, "sell", shares_nano=position(bob, market).shares_nano)

    fill = Fill.objects.filter(user=alice).latest("id")
    assert fill.cause == "target"
    assert fill.price_pico <= target
    assert position(alice, market).shares_nano == 0


def test_oracle_liquidates_a_short_and_says_so() -> None:
    market = active_market(m_open="0.5", day_max="1", beta="1")
    alice = funded_user("1000")
    short(alice, market, "20")
    escrow = position(alice, market).escrow_micro

    oracle_moves(market, 30, times=6)

    fill = Fill.objects.filter(user=alice).order_by("id")[1]
    assert (fill.cause, fill.leg, fill.side) == ("margin", "liquidation", "buy")
    assert fill.penalty_micro > 0
    assert -escrow <= fill.escrow_micro < 0
    assert balance(alice, AccountKind.ESCROW, market) == position(alice, market).escrow_micro


def test_committed_open_waits_for_the_oracle() -> None:
    market, alice = active_market(), funded_user("5000")
    receipt = command(alice, market, "buy", amount_micro=usdc("700"), commit=True)
    ref = receipt.result["committed"]
    assert balance(alice, AccountKind.RESERVED, market) == usdc("700")
    assert row(market, ref).kind == "commit"

    oracle_moves(market, 0)

    assert row(market, ref).status == "filled"
    assert Fill.objects.get(user=alice).cause == "commit"
    assert balance(alice, AccountKind.RESERVED, market) == 0


def test_timed_exit_closes_a_chunk_at_each_heartbeat_that_is_due() -> None:
    market, alice = active_market(), funded_user("1000")
    buy(alice, market, "100")
    shares = position(alice, market).shares_nano
    orders.exit_start(
        user=alice, market=market, shares_nano=shares, chunks=2, interval_s=60, key=key()
    )
    now_s = LiveState.objects.get(market=market).state["t_s"]

    markets.heartbeat(market.pk, now_s)

    assert position(alice, market).shares_nano == shares - shares // 2
    assert Fill.objects.filter(user=alice).latest("id").cause == "exit"


def test_resting_refused_at_the_edge_leaves_nothing(nothing_happened: Any) -> None:
    market, alice = active_market(), funded_user("100")

    with nothing_happened():
        for intent, shares, code in (
            ("open_long", "100", "insufficient_funds"),
            ("close_long", "1", "no_position"),
            ("open_long", "0.000001", "too_small"),
        ):
            with pytest.raises(Unprocessable) as error:
                limit(alice, market, intent, shares, "10")
            assert error.value.code == code

    assert not RestingOrder.objects.exists()


def test_somebody_who_is_busy_elsewhere_is_waited_for_in_order() -> None:
    """Two markets each set off the other's caller; neither loses money nor deadlocks."""
    one, two = active_market(), active_market()
    alice, bob = funded_user("1000"), funded_user("1000")
    for market in (one, two):
        buy(alice, market, "100")
        buy(bob, market, "100")
        limit(alice, market, "open_long", "2", "10.05")
        limit(bob, market, "open_long", "2", "10.05")

    for market in (one, two):
        command(bob, market, "sell", shares_nano=position(bob, market).shares_nano)

    assert RestingOrder.objects.filter(user=alice, status="filled").count() == 2


def test_breaker_stops_opens_for_five_minutes_and_never_closes() -> None:
    market, alice = active_market(pool="1000", band=None), funded_user("5000")
    seller = funded_user("1000")
    buy(seller, market, "40")

    for _ in range(3):
        buy(alice, market, "240")

    live = LiveState.objects.get(market=market)
    assert (live.pause_rule, live.pause_until_s - live.pause_since_s) == ("price_move", 300)
    assert MarketEvent.objects.filter(market=market, kind="pause").count() == 1
    with pytest.raises(Unprocessable) as error:
        buy(alice, market, "10")
    assert error.value.code == "closed_only"
    assert Command.objects.latest("id").barred is True
    assert command(seller, market, "sell", shares_nano=position(seller, market).shares_nano)
