"""Every amount at its edges, one under, exact and one over: an answer, never a database's error."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from exchange.errors import Refused
from exchange.models import Account, AccountKind, Position, User
from exchange.services import ledger, orders, settlement
from exchange.services.batch import Receipt, Request
from tests.factories import active_market, buy, funded_user, key, open_market, usdc

pytestmark = pytest.mark.django_db

BIGINT_MAX = 2**63 - 1
MIN_OPEN = usdc("1")
EDGES = sorted(
    {
        *(
            edge + step
            for edge in (0, MIN_OPEN, 10**15, 2**31, 2**53, 2**62)
            for step in (-1, 0, 1)
        ),
        *(BIGINT_MAX - 1, BIGINT_MAX, BIGINT_MAX + 1, 10**19, 10**40, -BIGINT_MAX - 2),
    }
)
ORDERS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("buy", "amount_micro", {}),
    ("buy", "shares_nano", {}),
    ("buy", "min_shares_nano", {"amount_micro": usdc("5")}),
    ("buy", "max_cost_micro", {"shares_nano": 10**9}),
    ("sell", "shares_nano", {}),
    ("sell", "target_micro", {}),
    ("sell", "min_out_micro", {"shares_nano": 10**6}),
)


def rich_user() -> User:
    user = funded_user("0")
    credit(user, BIGINT_MAX // 4)
    return user


def credit(user: User, amount: int) -> None:
    ledger.credit_external(user_id=user.pk, amount_micro=amount, kind="deposit", ref=key())


def answered(ask: Callable[[], Any]) -> None:
    """Ask and take either answer; the world's fault or our own is none."""
    try:
        ask()
    except Refused as refusal:
        assert refusal.code not in {"error", "refused"}


@pytest.mark.parametrize(("side", "name", "others"), ORDERS)
@pytest.mark.parametrize("rich", [False, True], ids=["poor", "rich"])
def test_orders_answer_at_every_edge(
    side: str, name: str, others: dict[str, int], rich: bool
) -> None:
    market = active_market(pool="100000")
    user = rich_user() if rich else funded_user("1000")
    buy(user, market, "100")

    for edge in EDGES:
        size: Any = {**others, name: edge}
        place = partial(orders.order_place, user=user, market=market, side=side, key=key())
        answered(partial(place, **size))


@pytest.mark.parametrize("edge", EDGES)
def test_contributions_answer_at_every_edge(edge: int) -> None:
    market = open_market(soft_cap="1000", hard_cap="1000000000")
    user = rich_user()

    answered(
        lambda: orders.contribution_place(user=user, market=market, amount_micro=edge, key=key())
    )


def test_contributions_that_fill_the_widest_market_answer() -> None:
    market = open_market(soft_cap="900000000", hard_cap="1000000000")
    for _ in range(4):
        user = rich_user()
        place = partial(orders.contribution_place, user=user, market=market, key=key())
        answered(partial(place, amount_micro=BIGINT_MAX // 4))


@pytest.mark.parametrize("price", ["0.000001", "0.00000001", "1000000", "1000000000000"])
def test_markets_of_any_price_answer(price: str) -> None:
    """The parameters allow these prices, so shares and money must fit their columns."""
    lowest = "0.000000000001"
    market = active_market(pool="100000", P0_init=price, p_min=lowest)
    user = funded_user("100000")

    for amount in ("1", "5", "100", "1000", "5000"):
        place = partial(orders.order_place, user=user, market=market, side="buy", key=key())
        answered(partial(place, amount_micro=usdc(amount)))
    held = Position.objects.filter(user=user, market=market).first()
    if held:
        answered(
            lambda: orders.order_place(
                user=user, market=market, side="sell", key=key(), shares_nano=held.shares_nano
            )
        )


@pytest.mark.parametrize("edge", EDGES)
def test_deposits_answer_at_every_edge(edge: int) -> None:
    user = funded_user("0")

    answered(lambda: credit(user, edge))

    row = Account.objects.filter(user=user, kind=AccountKind.CASH).first()
    balance = row.balance_micro if row else 0
    assert balance == (edge if 0 < edge <= BIGINT_MAX else 0)


def test_deposits_beyond_the_widest_balance_are_refused() -> None:
    user = funded_user("0")
    credit(user, BIGINT_MAX - 1)
    credit(user, 1)

    answered(lambda: credit(user, 1))

    assert Account.objects.get(user=user, kind=AccountKind.CASH).balance_micro == BIGINT_MAX


@pytest.mark.parametrize("edge", EDGES)
def test_holds_answer_at_every_edge(edge: int) -> None:
    user = rich_user()

    answered(lambda: ledger.hold(user_id=user.pk, amount_micro=edge, ref=key()))


@pytest.mark.parametrize("edge", EDGES)
def test_transfers_answer_at_every_edge(edge: int) -> None:
    payer, payee = rich_user(), funded_user("0")
    legs = [
        (ledger.account(kind=AccountKind.CASH, user_id=payer.pk), -edge),
        (ledger.account(kind=AccountKind.CASH, user_id=payee.pk), edge),
    ]

    answered(lambda: ledger.post(kind="gift", ref=key(), amounts=legs))


def test_a_purse_that_pays_twice_in_one_transfer_is_asked_for_both() -> None:
    payer, payee = funded_user("10"), funded_user("0")
    purse = ledger.account(kind=AccountKind.CASH, user_id=payer.pk)
    target = ledger.account(kind=AccountKind.CASH, user_id=payee.pk)
    legs = [(purse, -usdc("6")), (purse, -usdc("6")), (target, usdc("12"))]

    answered(lambda: ledger.post(kind="gift", ref=key(), amounts=legs))


def test_what_no_column_holds_fails_alone_and_not_its_neighbours() -> None:
    """Orders share a batch with strangers; the one that cannot be written must not stop it."""
    market = active_market(pool="100000", P0_init="0.00000001", p_min="0.000000000001")
    greedy, stranger = funded_user("100000"), funded_user("100")
    batch = [
        Request("buy", {"amount_micro": usdc(amount)}, key(), user.pk)
        for user, amount in ((greedy, "5000"), (stranger, "5"))
    ]

    answers = settlement.drain(market.pk, batch)

    assert isinstance(answers[1], Receipt)
    assert answers[1].accepted
