"""Verbs in the admin: asked for, confirmed with a reason, done, and offered to who may."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from exchange.models import (
    ApiToken,
    AuditRun,
    LiveState,
    Market,
    MarketEvent,
    Position,
    StaffAction,
    User,
)
from exchange.services import tokens
from tests.admin.conftest import browser_of

pytestmark = pytest.mark.django_db
WHY = "the index is under repair"


def choose(browser: Client, table: str, verb: str, *keys: int, **more: str) -> tuple[int, str]:
    """Post a choice from a list; return the status and the page it leads to."""
    answer = browser.post(
        reverse(f"admin:exchange_{table}_changelist"),
        {"action": verb, "_selected_action": list(keys), **more},
        follow=True,
    )
    return answer.status_code, answer.content.decode()


def test_choosing_a_verb_asks_for_the_reason_and_does_nothing(
    as_staff: Client, market: Market
) -> None:
    status, page = choose(as_staff, "market", "reduce_only_set", market.pk)

    assert status == 200
    assert 'name="reason"' in page
    assert "Set reduce-only" in page
    assert LiveState.objects.get(market=market).reduce_only_since is None
    assert not StaffAction.objects.exists()


@pytest.mark.parametrize("reason", ["", "  ", "abc"])
def test_without_a_reason_nothing_happens(as_staff: Client, market: Market, reason: str) -> None:
    status, page = choose(as_staff, "market", "reduce_only_set", market.pk, reason=reason)

    assert status == 200
    assert "errorlist" in page
    assert not StaffAction.objects.exists()


def test_with_a_reason_it_is_done_and_public(
    as_staff: Client, market: Market, client: Client
) -> None:
    choose(as_staff, "market", "reduce_only_set", market.pk, reason=WHY)

    assert LiveState.objects.get(market=market).reduce_only_reason == WHY
    event = MarketEvent.objects.filter(market=market).latest("id")
    assert (event.kind, event.rule) == ("reduce_only", WHY)
    log = client.get("/api/v1/staff-actions/").json()["results"]
    assert [(act["verb"], act["target"], act["reason"]) for act in log] == [
        ("market.reduce_only_set", "market oil", WHY)
    ]
    assert "email" not in str(log)
    assert "@" not in str(log)


def test_a_refusal_is_told(as_staff: Client, market: Market) -> None:
    status, page = choose(as_staff, "market", "reduce_only_lift", market.pk, reason=WHY)

    assert status == 200
    assert "this market is not reduce-only" in page
    assert not StaffAction.objects.exists()


def test_several_accounts_are_barred_at_once(as_staff: Client, alice: User, charlie: User) -> None:
    choose(as_staff, "user", "opens_bar", alice.pk, charlie.pk, reason="same funding source")

    barred = User.objects.filter(opens_barred=True)
    assert set(barred) == {alice, charlie}
    assert StaffAction.objects.filter(verb="user.opens_barred").count() == 2


def test_a_token_is_revoked(as_staff: Client, alice: User) -> None:
    token, _ = tokens.create(user=alice, name="bot", scopes=["read"])

    choose(as_staff, "apitoken", "revoke", token.pk, reason="found in a public paste")

    assert ApiToken.objects.get().revoked_at is not None


def test_a_reader_is_offered_no_verb(reader: User, market: Market) -> None:
    choose(browser_of(reader), "market", "reduce_only_set", market.pk, reason=WHY)

    assert not StaffAction.objects.exists()
    page = browser_of(reader).get(reverse("admin:exchange_market_changelist")).content.decode()
    assert "reduce_only_set" not in page


def test_who_may_change_markets_may_use_the_verb(reader: User, market: Market) -> None:
    reader.user_permissions.add(Permission.objects.get(codename="change_market"))

    choose(browser_of(reader), "market", "reduce_only_set", market.pk, reason=WHY)

    assert StaffAction.objects.get().actor == reader


def test_the_audit_button_is_for_who_may(reader: User, newcomer: User, charlie: User) -> None:
    button = reverse("admin:exchange_auditrun_run")

    assert browser_of(reader).get(button).status_code == 403
    assert browser_of(newcomer).get(button).status_code == 403
    assert browser_of(charlie).get(button).status_code == 302
    assert not AuditRun.objects.exists()


def test_the_audit_button_asks_for_a_reason(as_staff: Client) -> None:
    button = reverse("admin:exchange_auditrun_run")

    assert 'name="reason"' in as_staff.get(button).content.decode()
    assert as_staff.post(button, {"reason": ""}).status_code == 200
    assert not AuditRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_audit_runs_now(as_staff: Client, market: Market) -> None:
    answer = as_staff.post(
        reverse("admin:exchange_auditrun_run"), {"reason": "before the release"}, follow=True
    )

    assert "clean" in answer.content.decode()
    assert AuditRun.objects.get().ok
    assert StaffAction.objects.get().verb == "audit.run"


def test_market_words_change_with_a_reason(as_staff: Client, market: Market) -> None:
    form = {"name": "Crude", "question": "Up?", "summary": "Oil.", "topic": "energy"}
    page = reverse("admin:exchange_market_change", args=[market.pk])

    without = as_staff.post(page, form)
    market.refresh_from_db()
    unchanged = market.name
    as_staff.post(page, form | {"reason": "clearer words", "status": "settled", "config": "{}"})

    assert without.status_code == 200
    assert unchanged == "Oil"
    market.refresh_from_db()
    assert (market.name, market.topic, market.status) == ("Crude", "energy", "active")
    assert market.config != {}
    assert StaffAction.objects.get().verb == "market.described"


def test_a_user_keeps_address_password_and_money(as_staff: Client, alice: User) -> None:
    before = User.objects.filter(pk=alice.pk).values().get()
    page = reverse("admin:exchange_user_change", args=[alice.pk])
    forged = {
        "email": "mallory@example.com",
        "password": "mallory",
        "opens_barred": "on",
        "is_active": "",
        "reason": "because I can",
    }

    as_staff.post(page, {"display_name": alice.display_name, **forged})

    assert User.objects.filter(pk=alice.pk).values().get() == before
    assert not Position.objects.exists()


def test_a_name_and_rights_change_on_record(as_staff: Client, alice: User) -> None:
    page = reverse("admin:exchange_user_change", args=[alice.pk])
    right = Permission.objects.get(codename="view_market")
    form = {
        "display_name": "Alice A.",
        "is_staff": "on",
        "user_permissions": [right.pk],
        "reason": "joins the desk",
    }

    as_staff.post(page, form)

    alice.refresh_from_db()
    assert (alice.display_name, alice.is_staff) == ("Alice A.", True)
    assert list(alice.user_permissions.all()) == [right]
    assert set(StaffAction.objects.values_list("verb", flat=True)) == {
        "user.changed",
        "user.rights",
    }


def test_staff_cannot_promote_itself(reader: User) -> None:
    reader.user_permissions.add(Permission.objects.get(codename="change_user"))
    page = reverse("admin:exchange_user_change", args=[reader.pk])

    browser_of(reader).post(
        page,
        {
            "display_name": "Chief",
            "is_superuser": "on",
            "groups": [],
            "user_permissions": [p.pk for p in Permission.objects.all()[:5]],
            "reason": "I deserve it",
        },
    )

    reader = User.objects.get(pk=reader.pk)
    assert not reader.is_superuser
    assert reader.display_name == "Chief"
    assert not reader.user_permissions.filter(codename__startswith="delete_").exists()
