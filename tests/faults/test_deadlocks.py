"""Transfers among a few accounts in every order: nobody waits for somebody who waits for them."""

import itertools
import random
import time
from functools import partial
from typing import Any

import pytest
from django.db.models import Sum

from exchange.models import Account, AccountKind, Command, Transfer
from exchange.services import ledger, settlement
from tests.factories import active_market, buy, buy_later, funded_user, key, usdc
from tests.faults import elsewhere
from tests.faults.crowd import codes, together
from tests.faults.scale import scaled

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800), pytest.mark.usefixtures("books")]

THREADS = 32
TRANSFERS = scaled(1_000, 20_000)
PER_SECOND_MIN = 60
BENIGN = {"ok", "insufficient_funds"}


def test_no_deadlock_among_eight_accounts(chance: random.Random) -> None:
    people = [funded_user("1000") for _ in range(8)]
    purses = [ledger.account(kind=AccountKind.CASH, user_id=user.pk) for user in people]
    plans = []
    for thread in range(THREADS):
        legs = []
        for number in range(TRANSFERS // THREADS):
            some = chance.sample(purses, chance.randint(2, 5))
            amount = chance.randint(1, usdc("1"))
            each = [(purse, amount) for purse in some[1:]]
            legs.append((f"{thread}-{number}", [(some[0], -amount * len(each)), *each]))
        plans.append(legs)

    def carry_out(plan: list[Any]) -> int:
        return sum(ledger.post(kind="gift", ref=ref, amounts=legs) for ref, legs in plan)

    began = time.monotonic()
    outcomes = together([partial(carry_out, plan) for plan in plans])
    rate = TRANSFERS / (time.monotonic() - began)

    assert outcomes == [TRANSFERS // THREADS] * THREADS
    assert Transfer.objects.filter(kind="gift").count() == TRANSFERS // THREADS * THREADS
    total = Account.objects.filter(user__in=people).aggregate(all=Sum("balance_micro"))["all"]
    assert total == usdc("8000")
    assert rate > PER_SECOND_MIN, f"{rate:.0f} transfers a second"


def test_orders_in_many_markets_holds_and_transfers_cross_without_deadlock(
    chance: random.Random,
) -> None:
    markets = [active_market(pool="100000") for _ in range(3)]
    people = [funded_user("1000") for _ in range(6)]
    purses = {u.pk: ledger.account(kind=AccountKind.CASH, user_id=u.pk) for u in people}
    refs = itertools.count()

    def step() -> Any:
        user, other = chance.sample(people, 2)
        market, ref = chance.choice(markets), f"cross-{next(refs)}"
        legs = [(purses[user.pk], -usdc("1")), (purses[other.pk], usdc("1"))]
        payload = {"amount_micro": usdc("5")}
        return chance.choice(
            [
                lambda: buy(user, market, "5"),
                lambda: elsewhere.submit(
                    market_id=market.pk, kind="buy", payload=payload, key=key(), user_id=user.pk
                ),
                lambda: ledger.post(kind="gift", ref=ref, amounts=legs),
                lambda: ledger.hold(user_id=user.pk, amount_micro=usdc("1"), ref=ref),
            ]
        )

    for _ in range(scaled(12, 400)):
        assert set(codes(together([step() for _ in range(THREADS)]))) <= BENIGN


def test_waiting_commands_of_many_people_are_locked_in_one_order(chance: random.Random) -> None:
    """Several processes settle other people's commands in two markets at the same time."""

    markets = [active_market(pool="100000") for _ in range(2)]
    people = [funded_user("1000") for _ in range(12)]
    for _ in range(scaled(10, 200)):
        for market in markets:
            for user in chance.sample(people, len(people)):
                buy_later(user, market, "5")

        outcomes = together([partial(settlement.drain, m.pk) for m in markets * 8])

        assert codes(outcomes) == {"ok": 16}
        assert not Command.objects.filter(batch_seq=None).exists()
