"""Every address of the staff's site, as everybody: nothing opens without staff's right to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.urls.exceptions import NoReverseMatch

from exchange.models import Market, User
from tests.admin.conftest import browser_of

pytestmark = pytest.mark.django_db

# What a member of staff without any right may open.
FOR_ALL_STAFF = {"index", "password_change", "password_change_done", "jsi18n"}
# Sign-in is for everybody; the catch-all and redirects show nothing by themselves.
FOR_ANYONE = {"login", "logout"}
OURS = "exchange_"


def _names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for entry in patterns:
        if isinstance(entry, URLResolver):
            yield from _names(entry.url_patterns)
        elif entry.name:
            yield entry.name


NAMES = sorted({name for name in _names(admin.site.urls[0]) if name not in FOR_ANYONE})


def address(name: str, key: int) -> str:
    """Return the address of a name, with whatever argument it takes."""
    for arguments in ([], [key], ["exchange"], [1, key]):
        try:
            return reverse(f"admin:{name}", args=arguments)
        except NoReverseMatch:
            continue
    pytest.fail(f"no address for {name}")


def answers(browser: Client, page: str) -> list[Any]:
    return [browser.get(page), browser.post(page)]


def test_visitors_and_traders_are_sent_to_sign_in(world: Market, charlie: User) -> None:
    opened = [
        (name, answer.status_code)
        for browser in (Client(), browser_of(charlie))
        for name in NAMES
        for answer in answers(browser, address(name, world.pk))
        if answer.status_code != 405
        and not (answer.status_code == 302 and "login" in answer.headers["Location"])
    ]

    assert opened == []


def test_staff_without_a_right_is_refused(world: Market, newcomer: User) -> None:
    browser = browser_of(newcomer)

    opened = [
        (name, answer.status_code)
        for name in NAMES
        if name not in FOR_ALL_STAFF
        for answer in answers(browser, address(name, world.pk))
        if answer.status_code not in {302, 403, 404, 405}
    ]

    assert opened == []


def test_every_table_of_ours_has_its_addresses() -> None:
    tables = {name.split("_")[1] for name in NAMES if name.startswith(OURS)}

    assert len(tables) == len([m for m in admin.site._registry if m._meta.app_label == "exchange"])
