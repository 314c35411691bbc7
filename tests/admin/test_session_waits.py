"""A host who never decides: people see since when, and after a day staff may do it, on record."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from exchange import clock
from exchange.errors import Conflict, NotAllowed, Unprocessable
from exchange.models import Market, MarketEvent, Participant, Session, StaffAction, User
from exchange.selectors.outcome import portfolio, waiting
from exchange.services.sessions import by_staff
from exchange.services.sessions import host as hosting
from tests.factories import ask, funded_user, host_user, joined, running_session, ticked
from tests.web.pages import text

pytestmark = pytest.mark.django_db
DAY_S = 24 * 3600
REASON = "the host cannot be reached"


@pytest.fixture
def clerk() -> User:
    """Return a member of staff who may change sessions and no more."""
    user = funded_user("0", display_name="Clerk", is_staff=True)
    names = ("change_session", "view_session")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def _ended() -> tuple[Session, Participant]:
    """Return a session for real money whose trading is over, and somebody who holds 10 YES of 0."""
    session = running_session(host_user("20000"), money="real", total_duration_ms="5000")
    trader = joined(session, "Ann", funded_user("100"))
    ask(trader, "buy", "0y", "10")
    ticked(session, 2)
    ticked(session, 8)
    session.refresh_from_db()
    session.market.refresh_from_db()
    assert session.market.status == Market.Status.ENDED
    return session, trader


def _cash(who: Participant) -> int:
    return portfolio.money(who)[0]


def test_everybody_sees_since_when_it_waits(client: Client) -> None:
    session, trader = _ended()
    words = "waiting for the host's decision since"
    client.force_login(trader.user)

    page = text(client.get(f"/sessions/{session.code}/"))
    assert words in page
    assert "the site's staff may do it, with their reason in public" in page
    client.force_login(session.host)
    reminded = text(client.get("/sessions/"))
    assert "Cup has waited for your decision since" in reminded
    assert "People have waited for you since" in text(client.get(f"/sessions/{session.code}/host/"))
    with clock.shifted(DAY_S + 20):
        assert "the site's staff may name the winner now" in text(
            client.get(f"/sessions/{session.code}/")
        )


def test_staff_wait_a_day_and_then_decide_in_public(client: Client, clerk: User) -> None:
    session, trader = _ended()
    before = _cash(trader)
    client.force_login(clerk)
    page = reverse("admin:exchange_session_changelist")
    asked = {
        "action": "resolve", "_selected_action": [session.pk], "reason": REASON, "winner": "ant",
    }  # fmt: skip
    assert "UTC, winner" in text(client.get(f"{page}?waits=yes"))

    early = text(client.post(page, asked, follow=True))
    assert "its host decides" in early
    assert not StaffAction.objects.exists()
    with clock.shifted(DAY_S + 20):
        assert "Cup" in text(client.get(f"{page}?waits=overdue"))
        client.post(page, asked, follow=True)
    ticked(session, DAY_S + 30)

    session.refresh_from_db()
    assert session.winner == 0
    assert _cash(trader) == before + 10_000_000
    action = StaffAction.objects.get()
    assert (action.verb, action.reason) == ("session.resolve", REASON)
    event = MarketEvent.objects.get(market_id=session.pk, kind="staff_resolved")
    assert event.detail == {"by": "Clerk", "winner": 0, "reason": REASON}
    client.force_login(session.host)
    log = text(client.get(f"/sessions/{session.code}/host/"))
    assert f"Staff named the winner in the host's place: Ant, “{REASON}”, by Clerk" in log


def test_the_first_answer_stands(clerk: User) -> None:
    session, _ = _ended()
    hosting.resolve(host=session.host, session=session, winner=2)

    with clock.shifted(DAY_S + 20), pytest.raises(Conflict):
        by_staff.resolve(actor=clerk, session=session, winner="Ant", reason=REASON)
    ticked(session, DAY_S + 30)

    session.refresh_from_db()
    assert session.winner == 2
    assert not StaffAction.objects.exists()
    assert not MarketEvent.objects.filter(kind="staff_resolved").exists()


def test_who_takes_part_does_not_decide(clerk: User) -> None:
    session = running_session(host_user("20000"), money="real", total_duration_ms="5000")
    joined(session, "Clerk", clerk)
    ticked(session, 8)

    for right in (False, True):
        User.objects.filter(pk=clerk.pk).update(is_superuser=right)
        clerk = User.objects.get(pk=clerk.pk)
        with clock.shifted(DAY_S + 20), pytest.raises(NotAllowed, match="does not decide"):
            by_staff.resolve(actor=clerk, session=session, winner="Ant", reason=REASON)


def test_without_the_right_nobody_decides(clerk: User) -> None:
    session, _ = _ended()
    clerk.user_permissions.clear()
    clerk = User.objects.get(pk=clerk.pk)

    with clock.shifted(DAY_S + 20), pytest.raises(NotAllowed):
        by_staff.resolve(actor=clerk, session=session, winner="Ant", reason=REASON)
    with pytest.raises(NotAllowed):
        by_staff.resolve(actor=session.host, session=session, winner="Ant", reason=REASON)


def test_a_round_that_nobody_names_can_be_ended(client: Client, clerk: User) -> None:
    session = running_session(
        outcomes=4, mr_enabled=True, rounds=[["5000", "2000", []]], total_duration_ms="10000"
    )
    ticked(session, 6)
    session.refresh_from_db()
    session.market.live.refresh_from_db()
    assert waiting.waiting(session) is None
    with clock.shifted(10):
        waits = waiting.waiting(session)
        assert waits is not None
        assert waits.kind == waiting.ROUND
        page = text(client.get(f"/sessions/{session.code}/"))
        assert "until the host names who goes, due since" in page
        with pytest.raises(Unprocessable, match="host decides"):
            by_staff.end(actor=clerk, session=session, reason=REASON)

    with clock.shifted(DAY_S + 20):
        by_staff.end(actor=clerk, session=session, reason=REASON)
    ticked(session, DAY_S + 30)

    session.market.refresh_from_db()
    assert session.market.status == Market.Status.ENDED
    ended = Session.objects.get(pk=session.pk)
    again = waiting.waiting(ended)
    assert again is not None
    assert again.until - again.since == timedelta(days=1)
