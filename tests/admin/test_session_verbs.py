"""A host's verbs in the admin: they reach the services, ask for a reason, and are on record."""

import pytest
from django.test import Client
from django.urls import reverse

from exchange.models import Market, Session, StaffAction, User
from tests.factories import open_session, ticked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]
REASON = "the show begins"


def _do(browser: Client, session: Session, verb: str, **more: object) -> int:
    page = reverse("admin:exchange_session_changelist")
    asked = {"action": verb, "_selected_action": [session.pk], "reason": REASON, **more}
    return browser.post(page, asked, follow=True).status_code


def _status(session: Session) -> str:
    return Market.objects.get(pk=session.pk).status


def test_a_session_is_led_from_the_admin(as_staff: Client, staff_member: User) -> None:
    session = open_session(staff_member)

    _do(as_staff, session, "start")
    session.refresh_from_db()
    _do(as_staff, session, "reduce_only")
    ticked(session, 2)
    _do(as_staff, session, "resume")
    _do(as_staff, session, "end")
    ticked(session, 4)
    _do(as_staff, session, "resolve", winner="bee")
    ticked(session, 6)

    assert _status(session) == "resolved"
    log = StaffAction.objects.order_by("id").values_list("verb", "target", "reason")
    assert [verb for verb, _, _ in log] == [
        "session.start", "session.reduce_only", "session.resume", "session.end", "session.resolve",
    ]  # fmt: skip
    assert {(target, reason) for _, target, reason in log} == {(session.market.slug, REASON)}
    assert not any(session.code in target for _, target, _ in log)


def test_a_verb_without_a_reason_or_out_of_turn_does_nothing(
    as_staff: Client, staff_member: User
) -> None:
    session = open_session(staff_member)

    _do(as_staff, session, "resolve", winner="Ant")
    _do(as_staff, session, "start", reason="no")

    assert _status(session) == "lobby"
    assert not StaffAction.objects.exists()


def test_a_refusal_keeps_what_was_typed(as_staff: Client, staff_member: User) -> None:
    session, other = open_session(staff_member), open_session(staff_member)
    page = reverse("admin:exchange_session_changelist")
    both = {"action": "resume", "_selected_action": [session.pk, other.pk], "reason": REASON}
    _do(as_staff, other, "start")
    ended = as_staff.post(page, both)

    assert ended.status_code == 200
    shown = ended.content.decode()
    assert f'value="{REASON}"' in shown
    assert f'name="_selected_action" value="{session.pk}"' in shown
    assert 'role="alert"' in shown
    assert "session is" in shown.partition("errorlist")[2]


def test_the_lobby_of_somebody_else_takes_every_right(as_staff: Client) -> None:
    session = open_session()

    _do(as_staff, session, "close")

    assert _status(session) == "closed"
