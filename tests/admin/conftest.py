"""A small world with a row in every table, and members of staff with and without rights."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from exchange.models import AuditRun, Market, Picture, User
from exchange.services import ledger, markets, marks, staff, tokens
from tests.factories import (
    active_market,
    ask,
    buy,
    command,
    funded_user,
    joined,
    running_session,
    ticked,
    usdc,
)
from tests.stillness import still_clock  # noqa: F401

REPORT = {"delta_pico": 10**10, "confidence_e8": 80_000_000}


@pytest.fixture
def market(db: None) -> Market:
    """Return a market that trades."""
    return active_market("oil")


@pytest.fixture
def world(market: Market, alice: User, staff_member: User) -> Market:
    """Put at least one row into every table of the core."""
    buy(alice, market, "100")
    command(
        funded_user("100"),
        market,
        "limit",
        intent="open_long",
        shares_nano=10**9,
        price_pico=9 * 10**12,
    )
    markets.oracle_apply(market_id=market.pk, reports=[REPORT] * 3, ref="run-0001")
    ledger.hold(user_id=alice.pk, amount_micro=usdc("5"), ref="hold-1")
    tokens.create(user=alice, name="bot", scopes=["read"])
    staff.reduce_only_set(actor=staff_member, market=market, reason="index under repair")
    session = running_session(staff_member, name="Zoo")
    ask(joined(session, "Ann"), "buy", "0y", "10")
    ticked(session, 2)
    Picture.objects.create(digest="0" * 64, image=b"drawn", by=staff_member)
    AuditRun.objects.create(ok=True, figures={"findings": 0})
    marks.move(marks.seen())
    return market


@pytest.fixture
def staff_member(db: None) -> User:
    """Return a member of staff with every right."""
    return funded_user("0", display_name="Chief", is_staff=True, is_superuser=True)


@pytest.fixture
def reader(db: None) -> User:
    """Return a member of staff who may look at everything and change nothing."""
    user = funded_user("0", display_name="Reader", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="exchange", codename__startswith="view_")
    )
    return user


@pytest.fixture
def newcomer(db: None) -> User:
    """Return a member of staff without any right."""
    return funded_user("0", display_name="Newcomer", is_staff=True)


@pytest.fixture
def as_staff(staff_member: User) -> Client:
    """Browse as staff with every right."""
    return browser_of(staff_member)


def browser_of(user: User) -> Client:
    """Return a browser signed in as `user`."""
    client = Client()
    client.force_login(user)
    return client
