"""Every address of the staff's site, as everybody: nothing opens without staff's right to it."""

from collections.abc import Iterator

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


@pytest.mark.parametrize("name", NAMES)
def test_visitors_and_traders_are_sent_to_sign_in(
    world: Market, charlie: User, name: str
) -> None:
    page = address(name, world.pk)

    for browser in (Client(), browser_of(charlie)):
        for method in (browser.get, browser.post):
            answer = method(page)
            assert answer.status_code in {302, 405}, page
            if answer.status_code == 302:
                assert "login" in answer.headers["Location"], page


@pytest.mark.parametrize("name", [n for n in NAMES if n not in FOR_ALL_STAFF])
def test_staff_without_a_right_is_refused(world: Market, newcomer: User, name: str) -> None:
    page = address(name, world.pk)

    for method in (browser_of(newcomer).get, browser_of(newcomer).post):
        assert method(page).status_code in {302, 403, 404, 405}, page


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith(OURS) and "changelist" in n])
def test_every_list_of_ours_opens_for_staff(as_staff: Client, world: Market, name: str) -> None:
    assert as_staff.get(address(name, world.pk)).status_code == 200


def test_every_table_of_ours_has_its_addresses() -> None:
    tables = {name.split("_")[1] for name in NAMES if name.startswith(OURS)}

    assert len(tables) == len([m for m in admin.site._registry if m._meta.app_label == "exchange"])
