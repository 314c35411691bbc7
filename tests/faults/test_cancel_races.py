"""A withdrawal that several end or release at once ends once, and its hold is released once."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.clients.rpc import Node
from chain.core.withdrawal import ENDS, State
from chain.models import AddressBookEntry, Network, NonceSlot, Withdrawal
from chain.services import payouts, withdrawals
from exchange.models import AccountKind, Hold, StaffAction, User
from exchange.services import ledger
from tests.chain.driver import Embedded
from tests.chain.paying import Till, entry, settled_owner, withdraw
from tests.chain.stage import cash_of
from tests.factories import active_market, buy, funded_user, key, usdc
from tests.faults.crowd import codes, together
from tests.faults.scale import scaled

pytestmark = [pytest.mark.fault, pytest.mark.timeout(3600), pytest.mark.usefixtures("books")]

# each of five races so often
ROUNDS = scaled(20, 1_000)
TOO_LATE = {"too_late", "already_so"}
Job = Callable[[], object]


@pytest.fixture
def till(books: None, tmp_path: Path) -> Till:
    found = Till(Embedded(), tmp_path, review_above_micro=usdc("5"), withdrawal_fee_micro=0)
    one, carry = threading.Lock(), found.chain.node._transport

    def in_turn(body: bytes) -> bytes:
        with one:
            return carry(body)

    found.nodes = [Node("shared", in_turn)]
    return found


def _owner(cash: str = "20") -> User:
    return settled_owner(funded_user(cash))


def _staff() -> User:
    return funded_user("0", is_staff=True, is_superuser=True)


def _signs(till: Till) -> Job:
    return lambda: payouts.sign_due(network=till.network, nodes=till.nodes, signer=till.signer)


def _approves(who: User, row: Withdrawal) -> Job:
    return lambda: withdrawals.review_approve(actor=who, withdrawal=row, reason="looks right")


def _asks(to: AddressBookEntry, till: Till, amount: str) -> Job:
    return lambda: withdraw(to.user, till.network, amount, to=to)


def _require_one_end(row: Withdrawal, before: int) -> None:
    """The state, the hold, the nonce and the owner's cash say the same, and say it once."""
    row.refresh_from_db()
    state, hold = State(row.state), Hold.objects.get(ref=row.hold_ref)
    is_back = state in {State.CANCELLED, State.RETURNED}
    assert hold.state == ("voided" if is_back else "open")
    assert cash_of(row.user) == before - (0 if is_back else row.amount_micro)
    assert (row.slot_id is not None) is (state == State.SIGNED)
    ends = row.events.filter(state__in=[end.value for end in ENDS])
    assert ends.count() == int(is_back)
    assert row.events.filter(state="signed").count() <= 1


def test_taken_back_while_it_is_signed(till: Till) -> None:
    seen: set[str] = set()
    for _ in range(ROUNDS):
        owner = _owner()
        row = withdraw(owner, till.network, "3")
        withdrawals.windows_close(till.network)
        cancel = lambda: withdrawals.withdrawal_cancel(user=owner, withdrawal=row)  # noqa: E731

        outcomes = codes(together([cancel, _signs(till), cancel, _signs(till)]))

        assert set(outcomes) <= {"ok", *TOO_LATE}
        _require_one_end(row, usdc("20"))
        seen.add(row.state)
    assert seen <= {State.CANCELLED, State.SIGNED}
    nonces = NonceSlot.objects.order_by("nonce").values_list("nonce", flat=True)
    assert list(nonces) == list(range(len(nonces)))


def test_taken_back_while_it_is_reviewed(till: Till, chance: random.Random) -> None:
    people = [_staff() for _ in range(3)]
    for _ in range(ROUNDS):
        owner = _owner()
        row = withdraw(owner, till.network, "6")
        withdrawals.windows_close(till.network)
        jobs: list[Job] = [
            lambda: withdrawals.withdrawal_cancel(user=owner, withdrawal=row),
            lambda: withdrawals.review_approve(actor=people[0], withdrawal=row, reason="right"),
            lambda: withdrawals.review_approve(actor=people[1], withdrawal=row, reason="right"),
            lambda: withdrawals.review_reject(actor=people[2], withdrawal=row, reason="not right"),
            _signs(till),
        ]
        chance.shuffle(jobs)

        outcomes = codes(together(jobs))

        assert set(outcomes) <= {"ok", *TOO_LATE}
        _require_one_end(row, usdc("20"))
        if row.state in {State.APPROVED, State.SIGNED}:
            assert {row.first_approver_id, row.second_approver_id} == {p.pk for p in people[:2]}
        verbs = StaffAction.objects.filter(target=f"withdrawal {row.public_id}")
        assert verbs.filter(verb="withdrawal.rejected").count() == (row.state == State.RETURNED)


def test_one_person_who_approves_twice_at_once_is_one(till: Till) -> None:
    one, other = _staff(), _staff()
    for _ in range(ROUNDS):
        row = withdraw(_owner(), till.network, "6")
        withdrawals.windows_close(till.network)

        outcomes = codes(together([_approves(one, row)] * 3))
        assert outcomes == {"ok": 1, "not_allowed": 2}
        row.refresh_from_db()
        assert row.state == State.REVIEW
        outcomes = codes(together([_approves(other, row)] * 3))

        assert outcomes == {"ok": 1, "already_so": 2}
        _require_one_end(row, usdc("20"))
        assert (row.state, row.first_approver, row.second_approver) == (State.APPROVED, one, other)


def test_the_last_of_a_limit_leaves_once(till: Till) -> None:
    """The owner's day, or that of the network: whoever asks, and however many at once."""
    for number in range(ROUNDS):
        people = [_owner("9000") for _ in range(2)] if number % 2 else [_owner("9000")] * 2
        asked = [entry(people[place % 2]) for place in range(4)]
        if number % 2:
            _leave_of_the_day(till.network, usdc("1.5"))
        else:
            withdraw(people[0], till.network, "4998.5")

        outcomes = codes(together([_asks(to, till, "1") for to in asked]))

        assert outcomes == {"ok": 1, "withdrawal_limit": 3}
        _leave_of_the_day(till.network, 10**15)


def _leave_of_the_day(network: Network, left: int) -> None:
    gone = sum(
        Withdrawal.objects.exclude(state__in=[State.CANCELLED, State.RETURNED]).values_list(
            "amount_micro", flat=True
        )
    )
    network.day_cap_micro = gone + left
    network.save()


def _ways(user: User, till: Till, shop: int) -> Iterator[Job]:
    """Yield ways to spend five of somebody's money: leave, buy, pay, set aside."""
    market = active_market(pool="100000")
    purse = ledger.account(kind=AccountKind.CASH, user_id=user.pk)
    till_ = ledger.account(kind=AccountKind.CASH, user_id=shop)
    for to in [entry(user) for _ in range(3)]:
        yield _asks(to, till, "5")
    yield from [lambda: buy(user, market, "5")] * 3
    amounts = [(purse, -usdc("5")), (till_, usdc("5"))]
    yield lambda: ledger.post(kind="gift", ref=key(), amounts=amounts)
    yield lambda: ledger.hold(user_id=user.pk, amount_micro=usdc("5"), ref=key())


def test_money_leaves_or_buys_and_never_both(till: Till, chance: random.Random) -> None:
    shop = funded_user("0").pk
    for _ in range(ROUNDS):
        enough = chance.randrange(1, 6)
        owner = _owner(str(5 * enough))
        jobs = list(_ways(owner, till, shop))
        chance.shuffle(jobs)

        outcomes = codes(together(jobs))

        assert outcomes == {"ok": enough, "insufficient_funds": len(jobs) - enough}
        assert cash_of(owner) == 0
