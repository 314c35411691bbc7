"""The providers' pages without scripts: what they show, what their forms do, who is refused."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from exchange.figures import MINUS, usdc_exact
from exchange.models import Market, RestingOrder, Stake, User
from exchange.selectors import portfolio
from exchange.selectors.stakes import profit_of
from exchange.services import due, orders
from liquidity.models import MarketRequest
from liquidity.services import decisions
from tests.factories import (
    active_market,
    buy,
    contribute,
    funded_user,
    key,
    open_market,
    oracle_moves,
    usdc,
)
from tests.liquidity import proposals
from tests.liquidity.proposals import proposed
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db
Watch = Callable[[], AbstractContextManager[None]]
DAY_S = 86_400
POOL = "/liquidity/gas/"
NEW = "/liquidity/requests/new/"


def said(response: Any) -> str:
    return text(response).replace("\u202f", " ")


def cash(user: User) -> int:
    return portfolio.money(user).cash_micro


@pytest.fixture
def gas(db: None) -> Market:
    return open_market("gas", soft_cap="1000", hard_cap="2000")


@pytest.fixture
def pool(alice: User, gas: Market) -> Market:
    """Return an active pool of 1,000, a quarter of it Alice's."""
    contribute(alice, gas, "250")
    contribute(funded_user("1000"), gas, "750")
    gas.refresh_from_db()
    return gas


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_the_list_has_both_kinds_and_my_stakes(as_alice: Client, alice: User, gas: Market) -> None:
    contribute(alice, gas, "250")
    buy(funded_user("100"), active_market("oil"), "20")

    page = said(as_alice.get("/liquidity/"))

    assert "250.00 of 1 000.00 USDC 25.00 %" in page
    assert "Gas 250.0000 250.00 0.00" in page
    assert "Oil 10 000.00" in page
    assert "1.0000" in page


def test_a_visitor_reads_pools_and_is_asked_to_sign_in(client: Client, gas: Market) -> None:
    page = client.get(POOL, {"amount": "100"})

    assert "Sign in to contribute" in text(page)
    assert "next=/liquidity/gas/%3Famount%3D100" in body(page)
    assert client.get("/liquidity/none/").status_code == 404


def test_previews_what_a_contribution_brings(
    as_alice: Client, gas: Market, nothing_happened: Watch
) -> None:
    with nothing_happened():
        page = said(as_alice.get(POOL, {"amount": "400"}))

    assert "You get 400.0000 units" in page
    assert "Your part of the pool at its goal 40.00 %" in page
    assert "Cash after 600.00 USDC" in page
    # day 7: a quarter has vested, a quarter of that leaves at once
    assert "7 100.00 100.00 25.00" in page
    assert "180 400.00 400.00 100.00" in page
    assert "none pinned" in page


def test_contributes_what_was_previewed(as_alice: Client, alice: User, gas: Market) -> None:
    review = as_alice.get(POOL, {"amount": "400"})

    response = as_alice.post(
        f"{POOL}contributions/", form(review, f"{POOL}contributions/"), follow=True
    )

    assert "Contributed 400.00 USDC" in text(response)
    assert Stake.objects.get().units_nano == usdc("400") * 1000
    assert cash(alice) == usdc("600")


def test_says_that_the_market_opens_with_it(as_alice: Client, gas: Market) -> None:
    assert "the market opens in the same moment" in said(as_alice.get(POOL, {"amount": "1000"}))


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("9.99", "The smallest contribution is 10.00 USDC."),
        ("2000.01", "The pool takes 2 000.00 USDC more before it is full."),
        ("1e3", "“1e3” is not an amount of USDC"),
        ("0", "Enter more than zero."),
    ],
)
def test_a_preview_says_why_it_would_be_refused(
    as_alice: Client, gas: Market, amount: str, words: str
) -> None:
    page = as_alice.get(POOL, {"amount": amount})

    assert words in said(page)
    assert form(page, POOL)["amount"] == amount


def test_more_than_the_cash_has_no_button(as_alice: Client, gas: Market) -> None:
    assert "Need 500.00 USDC more" in said(as_alice.get(POOL, {"amount": "1500"}))


@pytest.mark.parametrize("amount", ["1000.000001", "x", ""])
def test_refuses_with_the_reason_and_keeps_the_input(
    as_alice: Client, gas: Market, nothing_happened: Watch, amount: str
) -> None:
    with nothing_happened():
        response = as_alice.post(f"{POOL}contributions/", {"amount": amount, "key": key()})

    assert response.status_code == 422
    assert form(response, POOL)["amount"] == amount


def test_explains_the_profit_to_the_cent(as_alice: Client, alice: User, pool: Market) -> None:
    buy(funded_user("500"), pool, "40")
    oracle_moves(pool, 9, times=4)
    stake = Stake.objects.select_related("market__live").get(user=alice)
    profit = profit_of(stake, stake.market.live)
    assert profit.fees_micro > 0 > profit.oracle_micro

    page = said(as_alice.get(POOL))

    for words, micro in (
        ("Fees, claimed and to claim", profit.fees_micro),
        ("or is paid by it.", profit.oracle_micro),
        ("bad debt, new slopes and rounding did.", profit.trading_micro),
        ("In all", profit.total_micro),
    ):
        figure = ("+" if micro > 0 else MINUS if micro else "") + usdc_exact(abs(micro))
        assert re.search(f"{words} . (gain|loss|even) {re.escape(figure)} ", page)
    assert "250.0000 units at net asset value" in page


def test_claims_fees(as_alice: Client, alice: User, pool: Market) -> None:
    buy(funded_user("100"), pool, "20")
    page = as_alice.get(POOL)

    response = as_alice.post(f"{POOL}claims/", form(page, f"{POOL}claims/"), follow=True)

    assert "Claimed fees 0.0225 USDC" in text(response)
    assert cash(alice) == usdc("750.0225")


def test_the_calendar_is_a_picture_and_a_table(as_alice: Client, pool: Market) -> None:
    page = as_alice.get(POOL)

    assert body(page).count("<polygon") == 2
    assert said(page).count("to come") == 4
    with clock.shifted(31 * DAY_S):
        later = said(as_alice.get(POOL))
    assert later.count("vested ") >= 2
    assert "125.0000 of 250.0000 units are free" in later


def test_takes_out_at_once_what_is_allowed(as_alice: Client, alice: User, pool: Market) -> None:
    with clock.shifted(31 * DAY_S):
        page = as_alice.get(POOL, {"units": "31.25"})
        assert "Take out about 31.25 USDC now" in said(page)

        response = as_alice.post(
            f"{POOL}withdrawals/", form(page, f"{POOL}withdrawals/"), follow=True
        )

    receipt = text(response)
    assert "Took out 31.25 USDC" in receipt
    assert "31.25" in receipt
    assert cash(alice) == usdc("781.25")


def test_what_may_not_leave_at_once_is_offered_the_queue(
    as_alice: Client, alice: User, pool: Market
) -> None:
    with clock.shifted(31 * DAY_S):
        page = as_alice.get(POOL, {"units": "100"})
        assert "The most that passes now is 31.25 units." in said(page)
        sent = form(page, f"{POOL}withdrawals/")
        assert sent["how"] == "queue"

        response = as_alice.post(f"{POOL}withdrawals/", sent, follow=True)
        assert response.status_code == 200
        waiting = as_alice.get(POOL)

    row = RestingOrder.objects.get(user=alice)
    assert "Place" in text(waiting)
    assert " 1 0.00 100.0000 100.00 " in said(waiting)
    assert form(waiting, f"{POOL}withdrawals/cancel/")["ref"] == str(row.ref)


def test_a_place_in_the_queue_has_a_date_and_can_be_given_up(
    as_alice: Client, alice: User, bob: User, pool: Market
) -> None:
    contribute(bob, pool, "500")
    with clock.shifted(31 * DAY_S):
        for user, units in ((bob, 250), (alice, 100)):
            orders.units_withdraw(
                user=user, market=pool, units_nano=units * 10**9, key=key(), queued=True
            )
        page = as_alice.get(POOL)
        assert " 2 250.00 100.0000 100.00 ≈ " in said(page)

        done = as_alice.post(
            f"{POOL}withdrawals/cancel/", form(page, f"{POOL}withdrawals/cancel/"), follow=True
        )

    assert "out of the queue" in text(done)
    assert RestingOrder.objects.get(user=alice).status == "cancelled"
    assert Stake.objects.get(user=alice).locked_nano == 0


def test_a_forecast_is_what_happens(as_alice: Client, alice: User, pool: Market) -> None:
    """The date on the page is the day on which the clock pays."""
    with clock.shifted(31 * DAY_S):
        orders.units_withdraw(
            user=alice, market=pool, units_nano=100 * 10**9, key=key(), queued=True
        )
        shown = said(as_alice.get(POOL))
        now_s = clock.now_s()
    due_s = now_s + DAY_S + 1
    assert f"≈ {clock.at(due_s).day} {clock.at(due_s):%b %Y}" in shown

    with clock.shifted(31 * DAY_S + DAY_S - 10):
        due.queues(clock.now_s())
        assert RestingOrder.objects.get(user=alice).status == "open"
    with clock.shifted(32 * DAY_S + 5):
        due.queues(clock.now_s() + 3_600)
        assert RestingOrder.objects.get(user=alice).status == "filled"


OF_OTHERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("withdrawals/", {"units": "10", "how": "now"}),
    ("withdrawals/", {"units": "10", "how": "queue"}),
    ("claims/", {}),
    ("withdrawals/cancel/", {"ref": "1"}),
    ("withdrawals/cancel/", {"ref": "x"}),
    ("withdrawals/", {"units": "-1"}),
    ("contributions/", {"amount": "1000000"}),
)


@pytest.mark.parametrize("asked", OF_OTHERS, ids=lambda asked: "".join(map(str, asked)))
def test_charlie_gets_nothing_of_hers(
    client: Client, charlie: User, pool: Market, nothing_happened: Watch, asked: Any
) -> None:
    page, sent = asked
    client.force_login(charlie)

    with nothing_happened():
        response = client.post(f"{POOL}{page}", sent | {"key": key()})

    assert response.status_code == 422


def test_charlie_cannot_take_her_place_in_the_queue(
    client: Client, alice: User, charlie: User, pool: Market, nothing_happened: Watch
) -> None:
    with clock.shifted(31 * DAY_S):
        orders.units_withdraw(user=alice, market=pool, units_nano=10**9, key=key(), queued=True)
        client.force_login(charlie)
        row = RestingOrder.objects.get()

        with nothing_happened():
            sent = {"ref": str(row.ref), "key": key()}
            response = client.post(f"{POOL}withdrawals/cancel/", sent)

    assert response.status_code == 422


def test_a_request_without_a_key_is_refused(as_alice: Client, pool: Market) -> None:
    assert as_alice.post(f"{POOL}claims/", {}).status_code == 422


def typed(**changes: str) -> dict[str, str]:
    """Return what somebody types into the form of a proposal."""
    words, brief = proposals.words(), proposals.brief()
    lists = {name: "\n".join(brief[name]) for name in ("queries", "rise_words", "fall_words")}
    plain = {"kind": brief["kind"], "sources": brief["sources"], "slug": "", "stake": "150"}
    chosen = {"funding_seconds": "604800", "interval": "600", "max_stale": "1800", "quorum": "3"}
    return {**words, **lists, **plain, **chosen, **changes}


def test_a_proposal_from_form_to_pool(as_alice: Client, alice: User, staff: User) -> None:
    empty = form(as_alice.get(NEW), NEW)
    checked = as_alice.post(NEW, empty | typed(step="check", fee="1"))
    assert "Nothing is missing." in text(checked)
    assert MarketRequest.objects.count() == 0

    sent = as_alice.post(NEW, form(checked, NEW) | typed(step="send", fee="1"), follow=True)

    assert "Our staff read it" in text(sent)
    request = MarketRequest.objects.get()
    assert (request.slug, request.stake_micro) == ("natural-gas-in-europe", usdc("150"))
    assert request.parameters == {"fee": "0.01000000", "lag_free": "0.02000000"}
    decisions.request_approve(actor=staff, request=request, reason="well specified")
    page = as_alice.get(f"/liquidity/requests/{request.public_id}/")
    assert "Receipt of the stake" in text(page)
    assert "150.00 of 2 500.00 USDC" in said(as_alice.get("/liquidity/natural-gas-in-europe/"))
    assert "Approved" in text(as_alice.get("/liquidity/requests/"))


def test_a_proposal_sent_twice_is_one(as_alice: Client) -> None:
    empty = form(as_alice.get(NEW), NEW)
    for _ in range(2):
        assert as_alice.post(NEW, empty | typed(step="send")).status_code == 302

    assert MarketRequest.objects.count() == 1


def test_faults_stand_beside_their_fields(
    as_alice: Client, alice: User, nothing_happened: Watch
) -> None:
    empty = form(as_alice.get(NEW), NEW)

    with nothing_happened():
        response = as_alice.post(
            NEW, empty | typed(step="send", unit="USDC", queries="oil", soft_cap="x", stake="50")
        )

    assert response.status_code == 422
    page = text(response)
    assert "The unit says per what" in page
    assert "“oil” would find almost anything" in page
    assert "“x” is not an amount of USDC" in page
    assert form(response, NEW)["unit"] == "USDC"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stake": "99"}, "at least 100.00 and at most 25 000.00 USDC"),
        ({"stake": "5000"}, "Need 4 000.00 USDC more"),
        ({"hard_cap": "2000"}, "The most that is taken is at least the goal."),
        ({"fee": "5"}, "outside the range that markets may have"),
        ({"ticker": "T1OK", "slug": "gas"}, "is in use by another market"),
    ],
)
def test_what_only_the_books_know_stands_there_too(
    as_alice: Client, gas: Market, changes: dict[str, str], words: str
) -> None:
    empty = form(as_alice.get(NEW), NEW)

    response = as_alice.post(NEW, empty | typed(step="send", **changes))

    assert words in said(response)
    assert response.status_code == 422


def test_what_is_near_is_named(as_alice: Client) -> None:
    open_market("natural-gas-in-asia")
    empty = form(as_alice.get(NEW), NEW)

    response = as_alice.post(NEW, empty | typed(step="check"))

    assert "Natural Gas In Asia" in text(response)
    assert "like this already" in text(response)


def test_a_proposal_is_withdrawn(as_alice: Client, alice: User) -> None:
    request = proposed(alice)

    done = as_alice.post(f"/liquidity/requests/{request.public_id}/withdraw/", follow=True)

    assert "back in your cash" in text(done)
    assert cash(alice) == usdc("1000")
    again = as_alice.post(f"/liquidity/requests/{request.public_id}/withdraw/", follow=True)
    assert "decided already" in text(again)


def test_a_rejection_shows_its_reason(as_alice: Client, alice: User, staff: User) -> None:
    request = proposed(alice)
    decisions.request_reject(actor=staff, request=request, reason="nobody can measure it")

    assert "nobody can measure it" in text(
        as_alice.get(f"/liquidity/requests/{request.public_id}/")
    )


def test_charlie_sees_nothing_of_her_proposals(
    client: Client, alice: User, charlie: User, nothing_happened: Watch
) -> None:
    request = proposed(alice)
    client.force_login(charlie)
    address = f"/liquidity/requests/{request.public_id}/"

    with nothing_happened():
        assert client.get(address).status_code == 404
        assert client.post(f"{address}withdraw/").status_code == 404
    assert request.name not in text(client.get("/liquidity/requests/"))


def test_text_of_others_is_escaped(as_alice: Client, alice: User) -> None:
    request = proposed(alice, "Rain in Lima", words=proposals.words("Rain in Lima", topic="<b>x"))

    assert "<b>x" not in body(as_alice.get(f"/liquidity/requests/{request.public_id}/"))
