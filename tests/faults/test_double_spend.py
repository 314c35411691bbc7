"""Money is spent once: however many connections try at the same instant."""

import itertools
import random
from collections.abc import Callable

import pytest

from exchange.models import Account, AccountKind, Market, User
from exchange.services import ledger
from tests.factories import active_market, buy, funded_user, key, usdc
from tests.faults import elsewhere
from tests.faults.crowd import codes, together
from tests.faults.scale import scaled

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800), pytest.mark.usefixtures("books")]

CONNECTIONS = 32
PRICE = "5"
MARKETS_LAST = 8
ATTEMPTS = scaled(25 * CONNECTIONS, 50_000)

Spend = Callable[[], object]


def cash_of(user: User) -> int:
    return Account.objects.get(user=user, kind=AccountKind.CASH).balance_micro


def test_balance_for_n_is_spent_n_times_by_orders_transfers_and_holds(
    chance: random.Random,
) -> None:
    markets: list[Market] = []
    shop = ledger.account(kind=AccountKind.CASH, user_id=funded_user("0").pk)
    numbers = itertools.count()

    def order(user: User, market: int) -> Spend:
        return lambda: buy(user, markets[market], PRICE)

    def order_elsewhere(user: User) -> Spend:
        market, payload = chance.choice(markets).pk, {"amount_micro": usdc(PRICE)}
        return lambda: elsewhere.submit(
            market_id=market, kind="buy", payload=payload, key=key(), user_id=user.pk
        )

    def transfer(user: User) -> Spend:
        cash = ledger.account(kind=AccountKind.CASH, user_id=user.pk)
        amounts = [(cash, -usdc(PRICE)), (shop, usdc(PRICE))]
        return lambda: ledger.post(kind="gift", ref=f"gift-{next(numbers)}", amounts=amounts)

    def hold(user: User) -> Spend:
        return lambda: ledger.hold(user_id=user.pk, amount_micro=usdc(PRICE), ref=key())

    for number in range(ATTEMPTS // CONNECTIONS):
        if number % MARKETS_LAST == 0:  # a market's price may move only so far
            markets[:] = [active_market(pool="100000") for _ in range(2)]
        enough = chance.randrange(CONNECTIONS)
        user = funded_user(str(int(PRICE) * enough))
        ledger.account(kind=AccountKind.CASH, user_id=user.pk)
        ways = (lambda u: order(u, 0), lambda u: order(u, 1), order_elsewhere, transfer, hold)
        spends = [chance.choice(ways)(user) for _ in range(CONNECTIONS)]

        outcomes = codes(together(spends))

        assert outcomes == {
            name: count
            for name, count in {
                "ok": enough,
                "insufficient_funds": CONNECTIONS - enough,
            }.items()
            if count
        }
        assert cash_of(user) == 0


def test_one_micro_short_is_refused_to_one_of_many() -> None:
    market = active_market(pool="100000")
    user = funded_user("0")
    amount = usdc(PRICE) * CONNECTIONS - 1
    ledger.credit_external(user_id=user.pk, amount_micro=amount, kind="deposit", ref=key())

    outcomes = codes(together([lambda: buy(user, market, PRICE)] * CONNECTIONS))

    assert outcomes == {"ok": CONNECTIONS - 1, "insufficient_funds": 1}
    assert cash_of(user) == usdc(PRICE) - 1


def test_two_payers_who_pay_each_other_never_lose_or_gain() -> None:
    alice, bob = funded_user("100"), funded_user("100")
    purses = [ledger.account(kind=AccountKind.CASH, user_id=u.pk) for u in (alice, bob)]

    def pay(payer: int, number: int) -> Spend:
        amounts = [(purses[payer], -usdc("10")), (purses[1 - payer], usdc("10"))]
        return lambda: ledger.post(kind="gift", ref=f"{payer}-{number}", amounts=amounts)

    outcomes = codes(together([pay(n % 2, n) for n in range(CONNECTIONS)]))

    assert outcomes["ok"] + outcomes["insufficient_funds"] == CONNECTIONS
    assert cash_of(alice) + cash_of(bob) == usdc("200")
