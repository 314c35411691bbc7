"""The ledger books a fact once, never below a floor, and notices every edit."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from exchange.errors import Conflict, NotFound, Unprocessable
from exchange.models import Account, AccountKind, Entry, Hold, Transfer, User
from exchange.services import audit, ledger
from tests.factories import funded_user, usdc
from tests.forgery import edit

pytestmark = pytest.mark.django_db


def cash(user: User) -> Account:
    """Return a user's cash account as it is stored."""
    return Account.objects.get(user=user, kind=AccountKind.CASH)


def test_credit_arrives_once_per_reference() -> None:
    user = funded_user("0")

    first = ledger.credit_external(user_id=user.pk, amount_micro=5, kind="deposit", ref="tx-1")
    second = ledger.credit_external(user_id=user.pk, amount_micro=5, kind="deposit", ref="tx-1")

    assert (first, second) == (True, False)
    assert cash(user).balance_micro == 5


@pytest.mark.parametrize(("short", "refused"), [(1, True), (0, False), (-1, False)])
def test_spending_stops_exactly_at_zero(short: int, refused: bool) -> None:
    user, other = funded_user("10"), funded_user("0")
    target = ledger.account(kind=AccountKind.CASH, user_id=other.pk)
    amount = usdc("10") + short

    def pay() -> bool:
        return ledger.post(kind="gift", ref="g", amounts=[(cash(user), -amount), (target, amount)])

    if refused:
        with pytest.raises(Unprocessable) as error:
            pay()
        assert error.value.code == "insufficient_funds"
        assert error.value.fields == {"needed_micro": 10_000_001, "available_micro": 10_000_000}
        assert not Transfer.objects.filter(kind="gift").exists()
    else:
        assert pay()
        assert cash(user).balance_micro == -short


def test_unbalanced_entries_are_refused_by_the_database() -> None:
    user = funded_user("10")

    with pytest.raises(IntegrityError, match="do not sum to zero"), transaction.atomic():
        ledger.post(kind="theft", ref="t", amounts=[(cash(user), -5)])

    assert cash(user).balance_micro == usdc("10")


@pytest.mark.parametrize(
    "verb", ["UPDATE exchange_entry SET amount_micro = 1", "DELETE FROM exchange_entry"]
)
def test_history_cannot_be_changed(verb: str) -> None:
    funded_user("10")

    with (
        pytest.raises(ProgrammingError, match="pgtrigger"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(verb)


def test_hold_is_captured_or_voided_once() -> None:
    user, shop = funded_user("10"), funded_user("0")
    till = ledger.account(kind=AccountKind.CASH, user_id=shop.pk)
    ledger.hold(user_id=user.pk, amount_micro=usdc("4"), ref="h-1")
    again = ledger.hold(user_id=user.pk, amount_micro=usdc("4"), ref="h-1")

    assert again.amount_micro == usdc("4")
    assert cash(user).balance_micro == usdc("6")
    assert ledger.capture(ref="h-1", to=till) is True
    assert ledger.void(ref="h-1") is False
    assert ledger.capture(ref="h-1", to=till) is False
    till.refresh_from_db()
    assert till.balance_micro == usdc("4")
    assert Hold.objects.get(ref="h-1").state == Hold.State.CAPTURED


@pytest.mark.parametrize(("name", "amount"), [("bob", 4), ("alice", 5)])
def test_a_reference_holds_one_amount_of_one_person(
    alice: User, bob: User, name: str, amount: int
) -> None:
    ledger.hold(user_id=alice.pk, amount_micro=4, ref="h-4")
    somebody = {"alice": alice, "bob": bob}[name]

    with pytest.raises(Conflict):
        ledger.hold(user_id=somebody.pk, amount_micro=amount, ref="h-4")

    assert Hold.objects.get().user_id == alice.pk
    assert Transfer.objects.filter(kind="hold").count() == 1


def test_a_hold_that_cannot_be_paid_leaves_its_reference_free() -> None:
    user = funded_user("10")

    with pytest.raises(Unprocessable):
        ledger.hold(user_id=user.pk, amount_micro=usdc("11"), ref="h-5")

    assert not Hold.objects.exists()
    assert ledger.hold(user_id=user.pk, amount_micro=usdc("10"), ref="h-5").state == "open"


def test_void_returns_the_money() -> None:
    user = funded_user("10")
    ledger.hold(user_id=user.pk, amount_micro=usdc("4"), ref="h-2")

    assert ledger.void(ref="h-2") is True
    assert cash(user).balance_micro == usdc("10")


def test_closing_an_unknown_hold_is_not_found() -> None:
    with pytest.raises(NotFound):
        ledger.void(ref="nothing")


@pytest.mark.breaks_books
@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE exchange_entry SET amount_micro = amount_micro + 1 WHERE id = %s", "I1"),
        ("UPDATE exchange_entry SET balance_micro = balance_micro + 1 WHERE id = %s", "I5"),
        ("UPDATE exchange_entry SET hash = '\\x00' WHERE id = %s", "I5"),
        ("DELETE FROM exchange_entry WHERE id = %s", "I1"),
    ],
)
def test_audit_names_an_edited_entry(sql: str, rule: str) -> None:
    user = funded_user("10")
    entry = Entry.objects.get(account=cash(user))
    assert audit.examine() == []

    edit(sql, entry.pk)

    assert rule in {finding["rule"] for finding in audit.examine()}


@pytest.mark.breaks_books
def test_audit_names_an_edited_balance() -> None:
    user = funded_user("10")

    edit(
        "UPDATE exchange_account SET balance_micro = balance_micro + 7 WHERE id = %s", cash(user).pk
    )

    assert {f["rule"] for f in audit.examine()} == {"I5", "I6"}


@pytest.mark.breaks_books
def test_audit_names_a_hold_without_its_reserve() -> None:
    user = funded_user("10")
    ledger.hold(user_id=user.pk, amount_micro=5, ref="h-3")

    edit("UPDATE exchange_hold SET amount_micro = 6 WHERE ref = %s", "h-3")

    assert [f["rule"] for f in audit.examine()] == ["I8"]
