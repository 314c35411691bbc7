"""One order from key to tick: what is written, what is refused, what a retry finds."""

import dataclasses
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from exchange import clock
from exchange.engines import variable
from exchange.engines.engine import EngineBug
from exchange.errors import Conflict, InvariantBroken, Malformed, NotFound, Unprocessable
from exchange.models import (
    Account,
    Candle,
    Command,
    Entry,
    Fill,
    LiveState,
    Market,
    MarketEvent,
    OutboxEvent,
    Position,
    Stake,
    Tick,
    Transfer,
    User,
)
from exchange.services import audit, batch_load, commands, markets, settlement
from exchange.services.batch import Batch
from tests.factories import (
    active_market,
    buy,
    buy_later,
    contribute,
    funded_user,
    key,
    open_market,
    sell,
    usdc,
)

Watch = Callable[[], AbstractContextManager[None]]

pytestmark = pytest.mark.django_db


def cash_of(user: User) -> int:
    """Return a user's free cash in micro-USDC."""
    return Account.objects.get(user=user, kind="cash").balance_micro


def test_buy_writes_everything_once() -> None:
    market, alice = active_market(), funded_user("1000")

    receipt = buy(alice, market, "100")

    assert receipt.accepted
    assert not receipt.replayed
    assert cash_of(alice) == usdc("900")
    position = Position.objects.get(user=alice, market=market)
    fill = Fill.objects.get(user=alice)
    assert position.shares_nano == fill.shares_nano > 0
    assert position.entry_micro == fill.value_micro == usdc("99.5")
    assert (fill.fee_micro, fill.lp_fee_micro) == (usdc("0.5"), usdc("0.45"))
    live = LiveState.objects.get(market=market)
    tick = Tick.objects.get(market=market, seq=receipt.batch_seq)
    assert bytes(tick.state_hash) == bytes(live.state_hash)
    assert Candle.objects.filter(market=market, interval_s=60).exists()
    news = OutboxEvent.objects.get(market=market, seq=receipt.batch_seq)
    assert news.public["tick"]["seq"] == receipt.batch_seq
    assert list(news.private) == [str(alice.pk)]
    assert audit.examine() == []


def test_parts_of_a_move_sum_to_the_move() -> None:
    market, alice = active_market(), funded_user("1000")
    buy(alice, market, "100")

    before, after = Tick.objects.filter(market=market).order_by("-seq")[:2][::-1]

    moved = after.market_pico - before.market_pico
    parts = after.market_trades_pico + after.market_oracle_pico + after.market_recentring_pico
    shown = after.display_pico - before.display_pico
    shown_parts = (
        after.display_trades_pico
        + after.display_oracle_pico
        + after.display_recentring_pico
        + after.display_window_pico
    )
    assert moved == parts != 0
    assert shown == shown_parts != 0


def test_retry_with_the_same_key_finds_the_first_answer() -> None:
    market, alice = active_market(), funded_user("1000")
    name = key()
    first = buy(alice, market, "100", key_=name)

    again = buy(alice, market, "100", key_=name)

    assert again.replayed
    assert json.dumps(again.result, sort_keys=True) == json.dumps(first.result, sort_keys=True)
    assert (again.id, again.seq, again.batch_seq) == (first.id, first.seq, first.batch_seq)
    assert cash_of(alice) == usdc("900")


def test_same_key_for_another_request_is_a_conflict(nothing_happened: Watch) -> None:
    market, alice = active_market(), funded_user("1000")
    name = key()
    buy(alice, market, "100", key_=name)

    with nothing_happened(), pytest.raises(Conflict) as error:
        buy(alice, market, "101", key_=name)

    assert error.value.code == "key_reused"


def test_keys_of_two_people_do_not_meet() -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    name = key()

    assert buy(alice, market, "10", key_=name).id != buy(bob, market, "10", key_=name).id


@pytest.mark.parametrize(
    ("amount", "refused"), [("50.000001", True), ("50", False), ("49.999999", False)]
)
def test_cash_is_enough_to_the_micro(amount: str, refused: bool) -> None:
    market, alice = active_market(), funded_user("50")

    if refused:
        with pytest.raises(Unprocessable) as error:
            buy(alice, market, amount)
        assert error.value.code == "insufficient_funds"
        assert cash_of(alice) == usdc("50")
    else:
        assert buy(alice, market, amount).accepted


def test_refusal_moves_nothing_and_is_remembered() -> None:
    market, alice = active_market(), funded_user("100")
    name = key()
    money = (Entry.objects.count(), Transfer.objects.count())

    for _ in range(2):
        with pytest.raises(Unprocessable) as error:
            buy(alice, market, "200", key_=name)
        assert error.value.code == "insufficient_funds"

    assert (Entry.objects.count(), Transfer.objects.count()) == money
    assert Command.objects.get(user=alice, key=name).accepted is False


def test_barred_user_may_close_and_not_open() -> None:
    market, alice = active_market(), funded_user("1000")
    buy(alice, market, "100")
    alice.opens_barred = True
    alice.save()

    with pytest.raises(Unprocessable) as error:
        buy(alice, market, "100")
    assert error.value.code == "closed_only"

    shares = Position.objects.get(user=alice, market=market).shares_nano
    assert sell(alice, market, shares).accepted
    assert Position.objects.get(user=alice, market=market).shares_nano == 0


def test_activation_is_recorded_and_mints_at_par() -> None:
    market, alice, bob = open_market(soft_cap="100"), funded_user("1000"), funded_user("1000")
    contribute(alice, market, "40")
    assert Market.objects.get(pk=market.pk).status == "funding"

    contribute(bob, market, "60")

    market.refresh_from_db()
    assert market.status == "active"
    assert market.activated_at is not None
    units = dict(Stake.objects.filter(market=market).values_list("user", "units_nano"))
    assert units == {alice.pk: 40 * 10**9, bob.pk: 60 * 10**9}
    assert MarketEvent.objects.filter(market=market, kind="active").count() == 1
    assert audit.examine() == []


def test_refund_returns_every_contribution() -> None:
    market, alice = open_market(soft_cap="100", funding_seconds=60), funded_user("1000")
    contribute(alice, market, "40.5")

    with clock.shifted(61):
        markets.refunds_due(clock.now_s())

    market.refresh_from_db()
    assert market.status == "cancelled"
    assert cash_of(alice) == usdc("1000")
    assert audit.examine() == []


def test_fees_are_claimed_by_the_provider_and_nobody_else(nothing_happened: Watch) -> None:
    market, alice = active_market(), funded_user("1000")
    provider = Stake.objects.get(market=market).user
    buy(alice, market, "100")

    receipt = commands.submit(
        market_id=market.pk, kind="claim", payload={}, key=key(), user_id=provider.pk
    )

    assert receipt.accepted
    assert cash_of(provider) == usdc("0.45")
    with pytest.raises(Unprocessable):
        commands.submit(market_id=market.pk, kind="claim", payload={}, key=key(), user_id=alice.pk)
    assert audit.examine() == []


def test_waiting_commands_are_settled_first_and_together() -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    for user in (alice, bob):
        buy_later(user, market, "10")
    assert markets.leftovers() == [market.pk]

    receipt = buy(alice, market, "20")

    rows = Command.objects.filter(market=market, kind="buy").order_by("seq")
    assert [row.batch_seq for row in rows] == [receipt.batch_seq] * 3
    assert [row.user_id for row in rows] == [alice.pk, bob.pk, alice.pk]
    assert markets.leftovers() == []
    assert audit.examine() == []


def test_oracle_event_moves_f_once_per_reference() -> None:
    market = active_market(quorum=1)
    reports = [{"delta_pico": 5 * 10**10, "confidence_e8": 9 * 10**7}]

    first = markets.oracle_apply(market_id=market.pk, reports=reports, ref="run-0001")
    again = markets.oracle_apply(market_id=market.pk, reports=reports, ref="run-0001")

    assert again.replayed
    assert again.seq == first.seq
    state = LiveState.objects.get(market=market).state
    assert state["f_pico"] > 10 * 10**12
    move = market.oracle_moves.get()
    assert int(move.fundamental_pico) == state["f_pico"]


def test_broken_invariant_halts_the_market_publicly(monkeypatch: pytest.MonkeyPatch) -> None:
    market, alice = active_market(), funded_user("1000")
    other = active_market()

    def broken(*_: object) -> None:
        raise EngineBug("I3: Phi is -1")

    monkeypatch.setattr(variable, "check_invariants", broken)
    with pytest.raises(InvariantBroken):
        buy(alice, market, "100")
    monkeypatch.undo()

    assert cash_of(alice) == usdc("1000")
    assert MarketEvent.objects.get(market=market, kind="halt").rule == "invariant"
    with pytest.raises(Unprocessable) as error:
        buy(alice, market, "100")
    assert error.value.code == "market_halted"
    assert buy(alice, other, "100").accepted


@pytest.mark.parametrize("name", ["", "short", "x" * 65, "with space!", "naïve-key-1"])
def test_key_outside_the_grammar_is_refused(name: str, nothing_happened: Watch) -> None:
    market, alice = active_market(), funded_user("1000")

    with nothing_happened(), pytest.raises(Malformed):
        commands.submit(
            market_id=market.pk, kind="buy", payload={"amount_micro": 5}, key=name, user_id=alice.pk
        )


def test_unknown_market_is_not_found() -> None:
    alice = funded_user("10")
    with pytest.raises(NotFound):
        commands.submit(
            market_id=10**12, kind="buy", payload={"amount_micro": 5}, key=key(), user_id=alice.pk
        )


def test_heartbeat_keeps_quiet_markets_ticking() -> None:
    market = active_market()
    before = LiveState.objects.get(market=market).batch_seq

    assert markets.heartbeats(clock.now_s()) == 0
    with clock.shifted(61):
        assert markets.heartbeats(clock.now_s()) == 1

    assert LiveState.objects.get(market=market).batch_seq == before + 1


def test_books_refused_by_the_database_halt_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    market, alice = active_market(), funded_user("1000")

    def greedy(*args: Any) -> variable.Settlement:
        done = variable.apply(*args)
        stolen = [p._replace(amount_micro=p.amount_micro - 1) for p in done.postings]
        return dataclasses.replace(done, postings=tuple(stolen))

    monkeypatch.setattr(variable, "check_invariants", lambda *_: None)
    monkeypatch.setattr(settlement, "_run", lambda batch: greedy(*arguments(batch)))
    with pytest.raises(InvariantBroken):
        buy(alice, market, "100")
    monkeypatch.undo()

    assert cash_of(alice) == usdc("1000")
    assert MarketEvent.objects.get(market=market, kind="halt").detail["detail"]


def arguments(batch: Batch) -> tuple[Any, ...]:
    """Return what settlement hands to the engine for a batch."""
    commands_ = [
        batch_load.command(request, batch.command_seq + n)
        for n, request in enumerate(batch.requests, start=1)
    ]
    people = (batch.traders, batch.providers)
    return (batch.config, batch.state, *people, commands_, batch.now_s)
