"""The ledger against an independent model: whatever is done, both say the same."""

import uuid

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from exchange.errors import Unprocessable
from exchange.models import Account, AccountKind, Entry
from exchange.services import audit, ledger
from tests.factories import funded_user

PEOPLE = 3
amounts = st.integers(min_value=1, max_value=1_000_000)
people = st.integers(min_value=0, max_value=PEOPLE - 1)


class Books:
    """The model: dictionaries and nothing else."""

    def __init__(self) -> None:
        self.cash = dict.fromkeys(range(PEOPLE), 0)
        self.reserved = dict.fromkeys(range(PEOPLE), 0)
        self.holds: dict[str, tuple[int, int]] = {}
        self.facts: set[tuple[str, str]] = set()

    def move(self, source: int, target: int, amount: int) -> bool:
        if self.cash[source] < amount:
            return False
        self.cash[source] -= amount
        self.cash[target] += amount
        return True


class LedgerMachine(RuleBasedStateMachine):
    """Deposits, payments, holds, captures and voids, each of them also twice."""

    @initialize()
    def begin(self) -> None:
        self.model = Books()
        self.run = uuid.uuid4().hex[:8]
        self.users = [funded_user("0") for _ in range(PEOPLE)]
        self.count = 0

    def ref(self) -> str:
        self.count += 1
        return f"{self.run}-{self.count}"

    def account(self, person: int, kind: AccountKind = AccountKind.CASH) -> Account:
        return ledger.account(kind=kind, user_id=self.users[person].pk)

    @rule(person=people, amount=amounts, repeat=st.booleans())
    def deposit(self, person: int, amount: int, repeat: bool) -> None:
        ref, user = self.ref(), self.users[person].pk
        for _ in range(2 if repeat else 1):
            ledger.credit_external(user_id=user, amount_micro=amount, kind="deposit", ref=ref)
        self.model.cash[person] += amount

    @rule(payer=people, payee=people, amount=amounts, repeat=st.booleans())
    def pay(self, payer: int, payee: int, amount: int, repeat: bool) -> None:
        if payer == payee:
            return
        ref, wanted = self.ref(), self.model.move(payer, payee, amount)
        legs = [(self.account(payer), -amount), (self.account(payee), amount)]
        for _ in range(2 if repeat else 1):
            try:
                ledger.post(kind="pay", ref=ref, amounts=legs)
            except Unprocessable:
                assert not wanted

    @rule(person=people, amount=amounts)
    def hold(self, person: int, amount: int) -> None:
        ref = self.ref()
        if self.model.cash[person] < amount:
            with pytest.raises(Unprocessable):
                ledger.hold(user_id=self.users[person].pk, amount_micro=amount, ref=ref)
            return
        ledger.hold(user_id=self.users[person].pk, amount_micro=amount, ref=ref)
        self.model.cash[person] -= amount
        self.model.reserved[person] += amount
        self.model.holds[ref] = (person, amount)

    @rule(payee=people, capture=st.booleans(), repeat=st.booleans(), pick=st.integers(0, 50))
    def close(self, payee: int, capture: bool, repeat: bool, pick: int) -> None:
        if not self.model.holds:
            return
        ref = sorted(self.model.holds)[pick % len(self.model.holds)]
        person, amount = self.model.holds.pop(ref)
        for attempt in range(2 if repeat else 1):
            if capture:
                done = ledger.capture(ref=ref, to=self.account(payee))
            else:
                done = ledger.void(ref=ref)
            assert done is (attempt == 0)
        self.model.reserved[person] -= amount
        self.model.cash[payee if capture else person] += amount

    @invariant()
    def same_balances(self) -> None:
        if not hasattr(self, "users"):
            return
        for person, user in enumerate(self.users):
            rows = dict(Account.objects.filter(user=user).values_list("kind", "balance_micro"))
            assert rows.get("cash", 0) == self.model.cash[person]
            assert rows.get("reserved", 0) == self.model.reserved[person]
        assert (Entry.objects.aggregate(total=Sum("amount_micro"))["total"] or 0) == 0

    def teardown(self) -> None:
        assert audit.examine() == []


@pytest.mark.django_db
def test_ledger_equals_its_model() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
