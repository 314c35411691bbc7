"""Staff at work in the admin's lists of the chain side."""

from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from exchange.models import User
from tests.factories import funded_user

WHY = "asked for by the desk"


def browser_of(user: User) -> Client:
    """Return a browser signed in as `user`."""
    client = Client()
    client.force_login(user)
    return client


def colleague(name: str) -> User:
    """Return a member of staff with every right."""
    return funded_user("0", display_name=name, is_staff=True, is_superuser=True)


def choose(browser: Client, row: Model, verb: str, reason: str = WHY, **more: Any) -> str:
    """Choose a verb for a row of a list and confirm it with a reason; return the page after it."""
    answer = browser.post(
        reverse(f"admin:chain_{row._meta.model_name}_changelist"),
        {"action": verb, "_selected_action": [row.pk], "reason": reason, **more},
        follow=True,
    )
    assert answer.status_code == 200
    return str(answer.content.decode())
