"""Staff decide proposals in the admin: with a reason, through the services, or not at all."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from exchange.models import Market, StaffAction, Stake, User
from exchange.selectors import portfolio
from liquidity.models import MarketRequest
from tests.factories import funded_user, open_market, usdc
from tests.liquidity.proposals import proposed
from tests.web.pages import body, text

pytestmark = pytest.mark.django_db
Watch = Callable[[], AbstractContextManager[None]]
LIST = "/admin/liquidity/marketrequest/"


@pytest.fixture
def request_of_alice(alice: User) -> MarketRequest:
    return proposed(alice, "Rain in Lima", stake_micro=usdc("150"))


@pytest.fixture
def as_staff(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def _verb(name: str, row: MarketRequest, reason: str | None = None) -> dict[str, str]:
    sent = {"action": name, "_selected_action": str(row.pk)}
    return sent if reason is None else {**sent, "reason": reason}


def test_the_review_has_findings_neighbours_and_both_verbs(
    as_staff: Client, request_of_alice: MarketRequest
) -> None:
    open_market("rain-in-lima-peru")

    page = as_staff.get(f"{LIST}{request_of_alice.pk}/change/")

    assert "set aside" in text(page)
    assert "Rain In Lima Peru (" in text(page)
    assert "The linter says" in text(page)
    assert 'value="request_approve"' in body(page)
    assert 'value="request_reject"' in body(page)
    assert 'type="submit" value="Save"' not in body(page)


def test_approves_with_a_reason(as_staff: Client, request_of_alice: MarketRequest) -> None:
    asked = as_staff.post(LIST, _verb("request_approve", request_of_alice))
    assert "becomes its first contribution" in text(asked)
    assert Market.objects.count() == 0

    as_staff.post(LIST, _verb("request_approve", request_of_alice, "new and well specified"))

    assert Stake.objects.get().market.slug == "rain-in-lima"
    assert StaffAction.objects.get().reason == "new and well specified"
    page = as_staff.get(f"{LIST}{request_of_alice.pk}/change/")
    assert 'value="request_approve"' not in body(page)


def test_rejects_with_a_reason(
    as_staff: Client, alice: User, request_of_alice: MarketRequest
) -> None:
    as_staff.post(LIST, _verb("request_reject", request_of_alice, "nobody can measure it"))

    request_of_alice.refresh_from_db()
    assert request_of_alice.reason == "nobody can measure it"
    assert portfolio.money(alice).cash_micro == usdc("1000")


def test_a_second_decision_is_told(
    as_staff: Client, request_of_alice: MarketRequest, nothing_happened: Watch
) -> None:
    as_staff.post(LIST, _verb("request_reject", request_of_alice, "nobody can measure it"))

    with nothing_happened():
        again = as_staff.post(
            LIST, _verb("request_approve", request_of_alice, "changed my mind"), follow=True
        )

    assert "decided already" in text(again)


@pytest.mark.parametrize("rights", [[], ["view_marketrequest"]])
def test_who_lacks_the_right_decides_nothing(
    client: Client, request_of_alice: MarketRequest, nothing_happened: Watch, rights: list[str]
) -> None:
    reader = funded_user("0", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(reader)

    with nothing_happened():
        client.post(LIST, _verb("request_approve", request_of_alice, "new and well specified"))
        page = client.get(f"{LIST}{request_of_alice.pk}/change/")

    assert 'value="request_approve"' not in body(page)


def test_nobody_edits_or_deletes(
    as_staff: Client, request_of_alice: MarketRequest, nothing_happened: Watch
) -> None:
    with nothing_happened():
        for page in (f"{request_of_alice.pk}/change/", f"{request_of_alice.pk}/delete/", "add/"):
            assert as_staff.post(f"{LIST}{page}", {"name": "Other"}).status_code == 403


def test_a_row_that_is_not_there(as_staff: Client) -> None:
    assert as_staff.get(f"{LIST}999999/change/").status_code == 302
    assert as_staff.get(f"{LIST}x/change/").status_code == 302
