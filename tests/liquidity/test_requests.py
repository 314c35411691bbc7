"""A proposal from stake to first contribution, and every way back."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from exchange.errors import Conflict, Malformed, NotAllowed, Refused, Unprocessable
from exchange.models import Command, Hold, LiveState, Market, MarketEvent, StaffAction, Stake, User
from exchange.selectors import portfolio
from exchange.services import gate, settlement
from liquidity.models import MarketRequest
from liquidity.services import decisions, requests
from liquidity.tasks import requests_advance
from tests.factories import active_market, contribute, funded_user, key, open_market, usdc
from tests.liquidity import proposals
from tests.liquidity.proposals import proposed

pytestmark = pytest.mark.django_db
Watch = Callable[[], AbstractContextManager[None]]
REASON = "well specified and new"


def cash(user: User) -> int:
    return portfolio.money(user).cash_micro


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as error:
        act()
    return error.value.code


def test_sets_the_stake_aside_with_the_request(alice: User) -> None:
    request = proposed(alice, stake_micro=usdc("123.456789"))

    assert request.state == "pending"
    assert request.hold.amount_micro == usdc("123.456789")
    money = portfolio.money(alice)
    assert (money.cash_micro, money.reserved_micro) == (usdc("876.543211"), usdc("123.456789"))


def test_the_same_key_is_one_request(alice: User, nothing_happened: Watch) -> None:
    name = key()
    first = proposed(alice, "Rain in Lima", key=name)

    with nothing_happened():
        again = proposed(alice, "Rain in Lima", key=name)
        assert code_of(lambda: proposed(alice, "Bicycle sales", key=name)) == "key_reused"

    assert again.pk == first.pk


@pytest.mark.parametrize(
    ("stake", "code"),
    [
        ("99.999999", "stake_out_of_range"),
        ("1000.000001", "insufficient_funds"),
        ("25000.000001", "stake_out_of_range"),
    ],
)
def test_a_stake_outside_its_bounds(
    alice: User, nothing_happened: Watch, stake: str, code: str
) -> None:
    with nothing_happened():
        assert code_of(lambda: proposed(alice, stake_micro=usdc(stake))) == code


def test_the_least_stake_is_enough(alice: User) -> None:
    assert proposed(alice, stake_micro=usdc("100")).state == "pending"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parameters": {"P0_init": "1e3"}}, "config_invalid"),
        ({"parameters": {"fee": "0.5"}}, "config_invalid"),
        ({"parameters": {"funding_seconds": "60"}}, "config_invalid"),
        ({"parameters": {"soft_cap": "500", "hard_cap": "400"}}, "config_invalid"),
        ({"parameters": {"k": "0"}}, "field_unknown"),
        ({"parameters": {"acct_cap": "1"}}, "field_unknown"),
        ({"brief": proposals.brief(queries=[])}, "request_refused"),
        ({"brief": proposals.brief(queries="gas")}, "malformed"),
        ({"brief": proposals.brief(queries=["gas", 7])}, "malformed"),
        ({"brief": {**proposals.brief(), "weights": []}}, "field_unknown"),
        ({"words": proposals.words(unit="")}, "request_refused"),
        ({"words": {**proposals.words(), "is_demo": "1"}}, "field_unknown"),
        ({"words": proposals.words(name="a\x00b")}, "malformed"),
        ({"differs": "x" * 501}, "malformed"),
        ({"key": "short"}, "key_malformed"),
    ],
)
def test_refuses_what_cannot_work(
    alice: User, nothing_happened: Watch, changes: dict[str, Any], code: str
) -> None:
    with nothing_happened():
        assert code_of(lambda: proposed(alice, "Natural gas in Europe", **changes)) == code


def test_names_every_fault_at_once(alice: User) -> None:
    faults = proposals.words(unit="", question="It goes up")

    with pytest.raises(Unprocessable) as error:
        proposed(alice, "Natural gas in Europe", words=faults)

    problems = error.value.fields["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 4
    assert "The unit is missing." in problems


def test_the_free_zone_follows_the_fee(alice: User) -> None:
    assert proposed(alice, parameters={"fee": "0.01"}).parameters["lag_free"] == "0.02000000"


def test_a_near_market_needs_a_reason_and_the_same_has_none(
    alice: User, nothing_happened: Watch
) -> None:
    open_market("natural-gas-in-asia")
    again = {"stake_micro": usdc("100")}

    with nothing_happened(), pytest.raises(Unprocessable) as error:
        proposed(alice, "Natural gas in Europe", **again)

    assert error.value.code == "duplicate_market"
    assert error.value.fields["names"] == ["Natural Gas In Asia"]
    how = "It follows the hub of another continent, with other pipes."
    first = proposed(alice, "Natural gas in Europe", **again, differs=how)
    assert first.state == "pending"
    same = proposals.words("Natural gas in Europe", slug="gas-two", ticker="GAS2")
    with nothing_happened():
        again_said = partial(proposed, alice, "Natural gas in Europe", words=same, differs=how)
        assert code_of(again_said) == "duplicate_market"


@pytest.mark.parametrize("taken", [{"slug": "oil"}, {"ticker": "OIL"}])
def test_an_address_or_a_ticker_in_use(
    alice: User, bob: User, nothing_happened: Watch, taken: dict[str, str]
) -> None:
    active = active_market("oil")
    Market.objects.filter(pk=active.pk).update(ticker="OIL")
    asked = proposals.words("Rain in Lima", **taken)

    with nothing_happened():
        assert code_of(lambda: proposed(alice, "Rain in Lima", words=asked)) == "slug_taken"


def test_a_request_takes_its_address_until_it_is_decided(alice: User, bob: User) -> None:
    first = proposed(alice, "Rain in Lima")
    same = proposals.words("Chess openings", slug="rain-in-lima")
    asked: dict[str, Any] = {"words": same, "brief": proposals.brief("Chess openings")}
    assert code_of(lambda: proposed(bob, **asked)) == "slug_taken"

    requests.request_withdraw(user=alice, request=first)

    assert proposed(bob, **asked).state == "pending"


def test_withdrawing_returns_the_stake_to_the_cent(alice: User, nothing_happened: Watch) -> None:
    request = proposed(alice, stake_micro=usdc("123.456789"))

    done = requests.request_withdraw(user=alice, request=request)

    assert (done.state, done.hold.state) == ("withdrawn", "voided")
    assert cash(alice) == usdc("1000")
    with nothing_happened():
        again = partial(requests.request_withdraw, user=alice, request=request)
        assert code_of(again) == "already_so"


def test_charlie_withdraws_nothing_of_hers(
    alice: User, charlie: User, nothing_happened: Watch
) -> None:
    request = proposed(alice)

    with nothing_happened(), pytest.raises(NotAllowed):
        requests.request_withdraw(user=charlie, request=request)


def test_rejecting_returns_the_stake_and_says_why(
    alice: User, staff: User, nothing_happened: Watch
) -> None:
    request = proposed(alice, stake_micro=usdc("123.456789"))

    decisions.request_reject(actor=staff, request=request, reason="cannot be measured")

    request.refresh_from_db()
    assert (request.state, request.reason) == ("rejected", "cannot be measured")
    assert (request.decided_by, cash(alice)) == (staff, usdc("1000"))
    action = StaffAction.objects.get()
    assert (action.verb, action.reason) == ("request.rejected", "cannot be measured")
    with nothing_happened():
        for act in (decisions.request_approve, decisions.request_reject):
            again = partial(act, actor=staff, request=request, reason=REASON)
            assert code_of(again) == "already_so"


def test_approving_opens_the_market_with_the_stake_in_it(alice: User, staff: User) -> None:
    request = proposed(
        alice, "Rain in Lima", stake_micro=usdc("123.456789"), parameters={"P0_init": "7"}
    )

    decisions.request_approve(actor=staff, request=request, reason=REASON)

    market = Market.objects.get(slug="rain-in-lima")
    request.refresh_from_db()
    assert (request.state, request.market, request.hold.state) == ("approved", market, "voided")
    assert market.brief == request.brief
    assert market.config["P0_init"] == "7.000000000000"
    assert LiveState.objects.get(market=market).state["funding_micro"] == usdc("123.456789")
    assert Stake.objects.get(market=market).user == alice
    assert (cash(alice), portfolio.money(alice).reserved_micro) == (usdc("876.543211"), 0)
    assert Command.objects.get(market=market).key == request.stake_key
    assert MarketEvent.objects.filter(market=market, kind="approved").count() == 1
    assert StaffAction.objects.get().verb == "request.approved"


def test_a_stake_of_the_whole_goal_activates_as_soon_as_the_gate_is_open(
    staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rich = funded_user("2000")
    request = proposed(rich, stake_micro=usdc("1000"), parameters={"soft_cap": "1000"})

    decisions.request_approve(actor=staff, request=request, reason=REASON)

    request.refresh_from_db()
    assert request.market is not None
    assert (request.market.status, request.hold.state) == ("funding", "open")
    monkeypatch.setattr(gate, "_checks", [])
    assert decisions.requests_advance() == 1
    request.market.refresh_from_db()
    assert request.market.status == "active"


def test_only_staff_decide(alice: User, charlie: User, nothing_happened: Watch) -> None:
    request = proposed(alice)

    with nothing_happened():
        for act in (decisions.request_approve, decisions.request_reject):
            with pytest.raises(NotAllowed):
                act(actor=charlie, request=request, reason=REASON)


@pytest.mark.parametrize("reason", ["", "ok", "x" * 201, "not\u200bseen"])
def test_a_decision_needs_a_reason(
    alice: User, staff: User, nothing_happened: Watch, reason: str
) -> None:
    request = proposed(alice)

    with nothing_happened():
        for act in (decisions.request_approve, decisions.request_reject):
            with pytest.raises(Malformed):
                act(actor=staff, request=request, reason=reason)


def test_an_address_taken_meanwhile_leaves_the_request_pending(
    alice: User, staff: User, nothing_happened: Watch
) -> None:
    request = proposed(alice, "Rain in Lima")
    open_market("rain-in-lima")

    with nothing_happened():
        approve = partial(decisions.request_approve, actor=staff, request=request, reason=REASON)
        assert code_of(approve) == "slug_taken"


def test_killed_between_approval_and_stake_is_finished_by_the_sweep(
    alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = proposed(alice, stake_micro=usdc("150"))
    with monkeypatch.context() as patch:
        patch.setattr(decisions, "_placed", _killed)
        with pytest.raises(KeyboardInterrupt):
            decisions.request_approve(actor=staff, request=request, reason=REASON)
    request.refresh_from_db()
    assert (request.state, request.hold.state) == ("approved", Hold.State.OPEN)
    assert Stake.objects.count() == 0

    assert requests_advance() == 1
    assert requests_advance() == 0

    assert Stake.objects.get().units_nano == usdc("150") * 1000
    assert cash(alice) == usdc("850")


def _killed(_request: MarketRequest) -> bool:
    raise KeyboardInterrupt


def test_killed_inside_the_settlement_leaves_the_stake_where_it_was(
    alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = proposed(alice, stake_micro=usdc("150"))
    with monkeypatch.context() as patch:
        patch.setattr(settlement, "_settle", _fails)
        decisions.request_approve(actor=staff, request=request, reason=REASON)
    request.refresh_from_db()
    assert (request.hold.state, portfolio.money(alice).reserved_micro) == ("open", usdc("150"))

    assert requests_advance() == 1

    assert Stake.objects.get().units_nano == usdc("150") * 1000


def _fails(*_: Any) -> None:
    raise DatabaseError("the connection was lost")


def test_a_stake_that_no_longer_fits_goes_back(
    alice: User, bob: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    caps = {"soft_cap": "200", "hard_cap": "200"}
    request = proposed(alice, stake_micro=usdc("150"), parameters=caps)
    with monkeypatch.context() as patch:
        patch.setattr(decisions, "_placed", lambda _: False)
        decisions.request_approve(actor=staff, request=request, reason=REASON)
    assert request.market is not None
    contribute(bob, request.market, "100")

    assert requests_advance() == 1

    request.refresh_from_db()
    assert (request.hold.state, cash(alice)) == ("voided", usdc("1000"))
    assert requests_advance() == 0


def test_a_halted_market_gives_the_stake_back(
    alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = proposed(alice)
    with monkeypatch.context() as patch:
        patch.setattr(decisions, "_placed", lambda _: False)
        decisions.request_approve(actor=staff, request=request, reason=REASON)
    assert request.market_id is not None
    settlement.halt(request.market_id, rule="invariant", detail="test")

    assert requests_advance() == 1

    assert cash(alice) == usdc("1000")
    assert Stake.objects.count() == 0


def test_words_and_decisions_stay(alice: User, staff: User) -> None:
    request = proposed(alice)
    with pytest.raises(DatabaseError), transaction.atomic():
        MarketRequest.objects.filter(pk=request.pk).update(name="Other")
    requests.request_withdraw(user=alice, request=request)

    with pytest.raises(DatabaseError), transaction.atomic():
        MarketRequest.objects.filter(pk=request.pk).update(state="pending", decided_at=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        request.delete()


def _at_once(*acts: Callable[[], object]) -> list[object]:
    """Do things in threads of their own, all at the same moment; return what each met."""
    start, found = threading.Barrier(len(acts)), list[object]()

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            found.append(act())
        except Exception as error:  # noqa: BLE001 (each outcome is looked at)
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_once_are_one_market() -> None:
    alice = funded_user("1000")
    chiefs = [funded_user("0", is_staff=True) for _ in range(2)]
    request = proposed(alice, stake_micro=usdc("150"))

    found = _at_once(
        *(
            partial(
                decisions.request_approve,
                actor=chief,
                request=MarketRequest.objects.get(pk=request.pk),
                reason=REASON,
            )
            for chief in chiefs
        )
    )

    refused = [answer for answer in found if isinstance(answer, Unprocessable)]
    assert [error.code for error in refused] == ["already_so"]
    assert Market.objects.count() == 1
    assert Stake.objects.get().units_nano == usdc("150") * 1000
    assert cash(alice) == usdc("850")
    assert StaffAction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_approval_and_withdrawal_at_once_end_in_one_of_them() -> None:
    alice, chief = funded_user("1000"), funded_user("0", is_staff=True)
    request = proposed(alice, stake_micro=usdc("150"))

    found = _at_once(
        lambda: decisions.request_approve(
            actor=chief, request=MarketRequest.objects.get(pk=request.pk), reason=REASON
        ),
        lambda: requests.request_withdraw(
            user=alice, request=MarketRequest.objects.get(pk=request.pk)
        ),
    )

    assert sum(isinstance(answer, Unprocessable) for answer in found) == 1
    request.refresh_from_db()
    spent = usdc("150") if request.state == "approved" else 0
    assert cash(alice) == usdc("1000") - spent
    assert portfolio.money(alice).reserved_micro == 0


@pytest.mark.django_db(transaction=True)
def test_one_key_twice_at_once_is_one_request() -> None:
    alice, name = funded_user("1000"), key()

    found = _at_once(*[lambda: proposed(alice, "Rain in Lima", key=name)] * 2)

    assert [type(answer) for answer in found] == [MarketRequest, MarketRequest]
    assert MarketRequest.objects.count() == 1
    assert portfolio.money(alice).reserved_micro == usdc("150")


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_place_one_stake(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, chief = funded_user("1000"), funded_user("0", is_staff=True)
    request = proposed(alice, stake_micro=usdc("150"))
    with monkeypatch.context() as patch:
        patch.setattr(decisions, "_placed", lambda _: False)
        decisions.request_approve(actor=chief, request=request, reason=REASON)

    found = _at_once(decisions.requests_advance, decisions.requests_advance)

    assert not any(isinstance(answer, Conflict | DatabaseError) for answer in found)
    assert Stake.objects.get().units_nano == usdc("150") * 1000
    assert cash(alice) == usdc("850")
