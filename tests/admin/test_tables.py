"""Every table of the core in the admin: who sees it, and that nobody writes where rules do."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exchange.admin.base import BoundedPaginator
from exchange.models import Account, ApiToken, Entry, Market, Tick, Transfer, User
from tests.admin.conftest import browser_of

pytestmark = pytest.mark.django_db

MODELS = sorted(apps.get_app_config("exchange").get_models(), key=lambda m: m.__name__)
EDITABLE = {Market, User}
LISTS_MAX_QUERIES = 15


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:exchange_{model._meta.model_name}_{page}", args=args)


def ids(model: type[Model]) -> str:
    return model.__name__


def test_every_table_is_registered() -> None:
    assert [m.__name__ for m in MODELS if not admin.site.is_registered(m)] == []


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_staff_sees_the_list_and_a_row(as_staff: Client, world: Market, model: type[Model]) -> None:
    row = model._default_manager.all()[:1].get()

    with CaptureQueriesContext(connection) as queries:
        listed = as_staff.get(address(model, "changelist"))
    shown = as_staff.get(address(model, "change", row.pk))

    assert listed.status_code == shown.status_code == 200
    assert len(queries) <= LISTS_MAX_QUERIES


def statuses(browser: Client, page: str) -> dict[str, int]:
    """Return what a page answers for the list and for one row of every table."""
    found = {}
    for model in MODELS:
        row = model._default_manager.all()[:1].get()
        found[f"{model.__name__} list"] = browser.get(address(model, "changelist")).status_code
        found[f"{model.__name__} {page}"] = browser.get(address(model, page, row.pk)).status_code
    return found


def test_a_reader_sees_everything(reader: User, world: Market) -> None:
    assert set(statuses(browser_of(reader), "change").values()) == {200}


def test_a_reader_changes_nothing(reader: User, world: Market) -> None:
    browser = browser_of(reader)
    for model in MODELS:
        row = model._default_manager.all()[:1].get()
        assert browser.post(address(model, "change", row.pk), {}).status_code == 403


def test_others_are_refused(newcomer: User, charlie: User, world: Market) -> None:
    assert set(statuses(browser_of(newcomer), "change").values()) == {403}
    assert set(statuses(browser_of(charlie), "change").values()) == {302}
    assert set(statuses(Client(), "change").values()) == {302}


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_nobody_adds_or_deletes(as_staff: Client, world: Market, model: type[Model]) -> None:
    row = model._default_manager.all()[:1].get()
    before = model._default_manager.count()

    added = as_staff.post(address(model, "add"), {})
    deleted = as_staff.post(address(model, "delete", row.pk), {"post": "yes"})
    in_bulk = as_staff.post(
        address(model, "changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )

    assert (added.status_code, deleted.status_code) == (403, 403)
    assert in_bulk.status_code in {200, 302}
    assert model._default_manager.count() == before


@pytest.mark.parametrize("model", [m for m in MODELS if m not in EDITABLE], ids=ids)
def test_nobody_edits_what_rules_write(as_staff: Client, world: Market, model: type[Model]) -> None:
    row = model._default_manager.all()[:1].get()
    fields = [f.name for f in model._meta.concrete_fields]
    before = list(model._default_manager.order_by("pk").values())

    answer = as_staff.post(address(model, "change", row.pk), dict.fromkeys(fields, "7"))

    assert answer.status_code == 403
    assert list(model._default_manager.order_by("pk").values()) == before


def test_an_account_leads_to_its_entries_and_they_to_the_transfer(
    as_staff: Client, world: Market, alice: User
) -> None:
    cash = Account.objects.get(user=alice, kind="cash")
    entry = Entry.objects.filter(account=cash).latest("version")
    entries = f"{address(Entry, 'changelist')}?account__id__exact={cash.pk}"

    account_page = as_staff.get(address(Account, "change", cash.pk)).content.decode()
    entry_list = as_staff.get(entries).content.decode()

    assert entries in account_page
    assert address(Transfer, "change", entry.transfer_id) in entry_list
    assert "895" in account_page
    assert "USDC" in account_page


def test_figures_stand_with_their_unit(as_staff: Client, world: Market) -> None:
    page = as_staff.get(address(Tick, "changelist")).content.decode()

    assert "market, usdc per share" in page.lower()


def test_a_secret_is_never_shown(as_staff: Client, world: Market, alice: User) -> None:
    token = ApiToken.objects.get(user=alice)
    pages = as_staff.get(address(ApiToken, "change", token.pk)).content.decode()
    pages += as_staff.get(address(User, "change", alice.pk)).content.decode()

    assert bytes(token.digest).hex() not in pages
    assert alice.password not in pages


def test_a_large_table_is_not_counted(as_staff: Client, world: Market) -> None:
    with CaptureQueriesContext(connection) as queries:
        as_staff.get(address(Entry, "changelist"))

    counts = [q["sql"] for q in queries if "COUNT(*)" in q["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


def test_the_paginator_stops_counting(monkeypatch: pytest.MonkeyPatch, world: Market) -> None:
    monkeypatch.setattr("exchange.admin.base.ROWS_COUNTED", 2)

    assert BoundedPaginator(Entry.objects.order_by("-id"), 1).count == 2
    assert BoundedPaginator([1, 2, 3], 1).count == 3


def test_the_pages_carry_no_inline_script(as_staff: Client, world: Market) -> None:
    for page in (reverse("admin:index"), address(Market, "changelist")):
        html = as_staff.get(page).content.decode()
        assert "<script>" not in html
        assert " onclick=" not in html
