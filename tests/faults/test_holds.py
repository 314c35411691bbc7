"""A hold ends once, whoever captures, voids or asks for it again at the same instant."""

import random
from functools import partial

import pytest

from exchange.errors import Conflict, Refused
from exchange.models import Account, AccountKind, Hold, Transfer, User
from exchange.services import ledger
from tests.factories import funded_user, key, usdc
from tests.faults.crowd import codes, together
from tests.faults.scale import scaled

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900), pytest.mark.usefixtures("books")]

HOLDS = scaled(60, 5_000)
AT_ONCE = 4


def balance(user: User, kind: AccountKind) -> int:
    row = Account.objects.filter(user=user, kind=kind).first()
    return row.balance_micro if row else 0


def test_captured_or_voided_exactly_once(chance: random.Random) -> None:
    owner, shop = funded_user("100000"), funded_user("0")
    till = ledger.account(kind=AccountKind.CASH, user_id=shop.pk)
    captured = 0

    for _ in range(HOLDS // AT_ONCE):
        refs = [key() for _ in range(AT_ONCE)]
        for ref in refs:
            ledger.hold(user_id=owner.pk, amount_micro=usdc("7"), ref=ref)
        closings = [
            lambda ref=ref, capture=capture: (
                ledger.capture(ref=ref, to=till) if capture else ledger.void(ref=ref)
            )
            for ref in refs
            for capture in (chance.random() < 0.5, True, False)
        ]

        outcomes = codes(together(closings))

        assert outcomes == {"ok": AT_ONCE, "no": 2 * AT_ONCE}
        captured += Hold.objects.filter(ref__in=refs, state=Hold.State.CAPTURED).count()

    assert balance(owner, AccountKind.RESERVED) == 0
    assert balance(shop, AccountKind.CASH) == captured * usdc("7")
    assert balance(owner, AccountKind.CASH) == usdc("100000") - captured * usdc("7")
    assert Transfer.objects.filter(kind__in=("captured", "voided")).count() == HOLDS


def test_asked_for_many_times_at_once_sets_aside_once() -> None:
    owner, ref = funded_user("100"), key()

    outcomes = together(
        [lambda: ledger.hold(user_id=owner.pk, amount_micro=usdc("7"), ref=ref)] * 16
    )

    assert {getattr(hold, "pk", hold) for hold in outcomes} == {Hold.objects.get(ref=ref).pk}
    assert balance(owner, AccountKind.RESERVED) == usdc("7")


def test_the_same_reference_of_another_person_is_a_conflict() -> None:
    alice, bob, ref = funded_user("100"), funded_user("100"), key()
    ledger.hold(user_id=alice.pk, amount_micro=usdc("7"), ref=ref)

    with pytest.raises(Conflict):
        ledger.hold(user_id=bob.pk, amount_micro=usdc("7"), ref=ref)
    with pytest.raises(Conflict):
        ledger.hold(user_id=alice.pk, amount_micro=usdc("8"), ref=ref)

    assert balance(alice, AccountKind.RESERVED) == usdc("7")


def test_the_same_reference_of_two_people_at_once_breaks_nothing() -> None:
    people, ref = [funded_user("100") for _ in range(8)], key()
    for user in people:
        ledger.account(kind=AccountKind.RESERVED, user_id=user.pk)

    outcomes = codes(
        together(
            [
                partial(ledger.hold, user_id=user.pk, amount_micro=usdc("7"), ref=ref)
                for user in people
            ]
        )
    )

    assert set(outcomes) <= {"ok", "key_reused", "conflict"}
    assert sum(balance(user, AccountKind.RESERVED) for user in people) == usdc("7")


def test_one_fact_between_strangers_at_once_is_booked_once() -> None:
    ref = key()
    pairs = []
    for _ in range(8):
        payer, payee = funded_user("10"), funded_user("0")
        purses = [ledger.account(kind=AccountKind.CASH, user_id=u.pk) for u in (payer, payee)]
        pairs.append([(purses[0], -usdc("1")), (purses[1], usdc("1"))])

    outcomes = codes(
        together([partial(ledger.post, kind="gift", ref=ref, amounts=legs) for legs in pairs])
    )

    assert outcomes == {"ok": 1, "no": 7}


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_or_less_cannot_be_held(amount: int) -> None:
    owner = funded_user("10")
    ledger.hold(user_id=owner.pk, amount_micro=usdc("5"), ref=key())

    with pytest.raises(Refused):
        ledger.hold(user_id=owner.pk, amount_micro=amount, ref=key())

    assert balance(owner, AccountKind.RESERVED) == usdc("5")
