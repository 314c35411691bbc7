"""Decisions in a real browser: a wrong one keeps what was typed and says why at the field."""

import pytest
from playwright.sync_api import Page, expect

from exchange.models import User
from liquidity.services import decisions
from tests.browser.people import sign_in
from tests.factories import funded_user, host_user, running_session, usdc
from tests.liquidity.proposals import proposed

WHY = "new and well specified"


@pytest.fixture
def officer(transactional_db: None) -> User:
    """Return who runs the site."""
    return funded_user("0", is_staff=True, is_superuser=True)


def test_a_host_who_names_too_many_names_again(site: str, page: Page) -> None:
    host = host_user()
    session = running_session(host, outcomes=3, mr_enabled=True, total_duration_ms="3600000")
    sign_in(page.context, site, host)
    page.goto(f"{site}/sessions/{session.code}/host/")
    who = page.get_by_role("group", name="Who goes?")
    who.get_by_label("Ant").check()
    who.get_by_label("Bee").check()

    page.get_by_role("button", name="Eliminate").click()

    expect(who).to_have_accessible_description(
        "At least two outcomes stay until the final resolution."
    )
    expect(who.get_by_label("Bee")).to_be_checked()
    who.get_by_label("Bee").uncheck()
    page.get_by_role("button", name="Eliminate").click()
    expect(page.get_by_text("The next batch takes the outcomes out.")).to_be_visible()


def test_an_officer_keeps_the_reason_that_was_typed(site: str, page: Page, officer: User) -> None:
    row = proposed(funded_user("1000"), "Rain in Lima", stake_micro=usdc("150"))
    sign_in(page.context, site, officer)
    page.goto(f"{site}/admin/liquidity/marketrequest/{row.pk}/change/")
    page.get_by_role("button", name="Approve").click()
    reason = page.get_by_label("Reason")
    reason.fill("new")
    page.get_by_role("button", name="Approve").click()
    # The browser itself keeps a reason too short back; what it lets through comes back as typed.
    page.evaluate("document.querySelector('[name=reason]').removeAttribute('minlength')")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator(".form-row.errors")).to_contain_text("at least")
    expect(reason).to_have_value("new")
    second = funded_user("0", is_staff=True, is_superuser=True)
    decisions.request_reject(actor=second, request=row, reason="nobody can measure it")
    reason.fill(WHY)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("Rain in Lima")
    expect(reason).to_have_value(WHY)
