"""The account packages' tables: to look at, without what opens somebody else's account."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from exchange.models import User

pytestmark = pytest.mark.django_db
CANARY = "canary-4f7a"


@pytest.fixture
def rows(alice: User) -> list[Model]:
    """Return one row of each table, with a secret where there is one."""
    return [
        EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True),
        Authenticator.objects.create(user=alice, type="totp", data={"secret": CANARY}),
        UserSession.objects.create(
            user=alice, session_key=CANARY, ip="127.0.0.1", user_agent="x", data={"k": CANARY}
        ),
    ]


def address(row: Model, page: str, *keys: object) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}"
    return reverse(name, args=keys)


def test_they_are_shown_without_their_secrets(as_staff: Client, rows: list[Model]) -> None:
    for row in rows:
        listed = as_staff.get(address(row, "changelist"))
        shown = as_staff.get(address(row, "change", row.pk))

        assert (listed.status_code, shown.status_code) == (200, 200)
        assert CANARY not in listed.content.decode() + shown.content.decode()


def test_nobody_changes_adds_or_deletes_them(as_staff: Client, rows: list[Model]) -> None:
    forged = {"email": "mallory@example.com", "verified": "on", "user": "1", "post": "yes"}
    for row in rows:
        answers = [
            as_staff.post(address(row, "change", row.pk), forged),
            as_staff.post(address(row, "add"), forged),
            as_staff.post(address(row, "delete", row.pk), forged),
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 403]
        assert type(row)._default_manager.filter(pk=row.pk).exists()
    assert not EmailAddress.objects.filter(email__startswith="mallory").exists()
