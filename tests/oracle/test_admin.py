"""Staff and the oracle: everything opens, little can be changed, all of it with a reason."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exchange import figures
from exchange.engines.units import RATE
from exchange.models import Market, OracleMove, StaffAction, User
from oracle.models import CostEntry, OracleSpec, Run, Schedule, Source
from tests.factories import active_market, funded_user
from tests.oracle import world

pytestmark = pytest.mark.django_db

MODELS = [model._meta.model_name for model in apps.get_app_config("oracle").get_models()]
EDITABLE = {"oraclespec", "source", "forecaster"}
REASON = "Because it is tested."


@pytest.fixture
def market(tmp_path: Path, settings: Any) -> Market:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD, text="<b>bold</b>"))
    made = world.oracle_market()
    world.run(made)
    return made


@pytest.fixture
def chief(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    user = funded_user("0", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="oracle", codename__startswith="view_")
    )
    client.force_login(user)
    return client


def address(model: str | None, page: str, *args: object) -> str:
    return reverse(f"admin:oracle_{model}_{page}", args=args)


def act(client: Client, model: str, name: str, key: object, **body: str) -> Any:
    chosen = {"action": name, ACTION_CHECKBOX_NAME: str(key), **body}
    return client.post(address(model, "changelist"), chosen, follow=True)


def form_of(spec: OracleSpec, **changes: Any) -> dict[str, Any]:
    fields = {**world.spec_fields(), "interval_s": 600, "interval_min_s": 300}
    fields |= {"interval_max_s": 900, "lookback_s": 172_800, "daily_budget_micro": 1_000_000}
    fields |= {"kind": "delta", "rise_words": [], "fall_words": [], "keywords": []}
    fields |= {"suffixes": [], "mapping": {}, "reason": REASON, "market": spec.market_id, **changes}
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in fields.items()}


@pytest.mark.parametrize("model", MODELS)
def test_every_table_opens(market: Market, chief: Client, model: str) -> None:
    assert chief.get(address(model, "changelist")).status_code == 200
    row = apps.get_model("oracle", model).objects.first()
    if row is not None:
        assert chief.get(address(model, "change", row.pk)).status_code == 200


def test_a_run_shows_what_held_it_and_what_the_price_did(market: Market, chief: Client) -> None:
    tight = world.oracle_market(parameters={"step_max": "0.001"})
    held, plain = world.run(tight), Run.objects.get(market=market)
    listed = chief.get(address("run", "changelist")).content.decode()
    for run, clamped in ((plain, "nothing"), (held, "step: one event")):
        event = OracleMove.objects.get(ref=run.ref)
        after, before = int(event.fundamental_pico), int(event.fundamental_before_pico)
        moved = figures.percent_signed((after - before) * RATE // before)
        shown = chief.get(address("run", "change", run.pk)).content.decode()
        assert moved in listed
        assert moved in shown
        assert clamped in shown
        assert f"right after: {figures.price(int(event.market_pico))}" in shown
        assert "after 1 day: \N{EN DASH} (not yet)" in shown
        assert "field-outcome" not in shown
    assert re.findall(r'field-clamped">([^<]*)<', listed) == ["step", "\N{EN DASH}"]


def test_lists_take_as_many_queries_for_many_runs_as_for_one(market: Market, chief: Client) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert chief.get(address("run", "changelist")).status_code == 200
        counts.append(len(queries))
        for _ in range(3):
            world.run(market)
    assert counts[0] == counts[1]


def test_failures_and_budgets_are_there_to_read(
    market: Market, chief: Client, tmp_path: Path
) -> None:
    source, run = Source.objects.get(), Run.objects.get()
    CostEntry.objects.create(source=source, market=market, run=run, cost_micro=250_000, requests=3)
    Run.objects.filter(pk=run.pk).update(cost_micro=250_000)
    (tmp_path / "wire.jsonl").unlink()
    Source.objects.update(retry_at=None)
    world.run(market)

    schedule = chief.get(address("schedule", "changelist")).content.decode()
    sources = chief.get(address("source", "changelist")).content.decode()
    source_page = chief.get(address("source", "change", source.pk)).content.decode()
    costs = chief.get(address("costentry", "changelist")).content.decode()
    runs = chief.get(address("run", "changelist")).content.decode()

    assert "0.25 USD of 1.00 USD" in schedule
    assert 'field-failures">1<' in schedule
    assert 'field-failures">1<' in sources
    assert "there is no archive" in source_page
    assert re.search(r'field-requests">3<.*field-cost">0\.25 USD<', costs, re.DOTALL)
    assert re.search(r'field-reason">no_quorum<', runs)
    assert 'field-cost">0.25 USD<' in runs


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_deleted_and_history_is_not_edited(
    market: Market, chief: Client, model: str
) -> None:
    row = apps.get_model("oracle", model).objects.first()
    if row is not None:
        assert chief.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        if model not in EDITABLE:
            assert chief.post(address(model, "change", row.pk), {"x": "y"}).status_code == 403
    if model not in EDITABLE:
        assert chief.get(address(model, "add")).status_code == 403


def test_evidence_is_escaped(market: Market, chief: Client) -> None:
    row = apps.get_model("oracle", "evidence").objects.get()
    assert b"<b>bold" not in chief.get(address("evidence", "change", row.pk)).content


def test_a_changed_specification_is_a_new_version(market: Market, chief: Client) -> None:
    spec = world.spec(market)
    page = address("oraclespec", "change", spec.pk)
    chief.post(page, form_of(spec, unit="USDC per widget"))
    newest = OracleSpec.objects.get(version=2)
    assert newest.unit == "USDC per widget"
    assert world.spec(market) == spec  # it is not followed before it has its card
    assert OracleSpec.objects.get(version=1).unit == "USDC per point"
    assert StaffAction.objects.get(verb="oracle.specified").reason == REASON


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": ""},
        {"fallback": ""},
        {"sources": []},
        {"quorum": 3},
        {"reason": ""},
        {"panel": "not json"},
        {"queries": []},
    ],
)
def test_the_linter_speaks_in_the_form(
    market: Market, chief: Client, changes: dict[str, Any]
) -> None:
    spec = world.spec(market)
    answer = chief.post(address("oraclespec", "change", spec.pk), form_of(spec, **changes))
    assert answer.status_code == 200
    assert "errornote" in answer.content.decode()
    assert OracleSpec.objects.count() == 1
    assert not StaffAction.objects.exists()


def test_a_first_specification_can_be_added(market: Market, chief: Client) -> None:
    other = active_market(quorum=1)
    spec = world.spec(market)
    chief.post(address("oraclespec", "add"), form_of(spec, market=other.pk))
    assert OracleSpec.objects.get(market=other).version == 1


def test_a_source_is_checked_before_it_is_saved(market: Market, chief: Client) -> None:
    fields = {
        "name": "feed",
        "label": "A feed",
        "kind": "rss",
        "options": '{"url": "https://feed.example/x"}',
        "hosts": "other.example",
        "requests_per_day_max": 100,
        "cost_micro": 0,
        "reason": REASON,
    }
    chief.post(address("source", "add"), fields)
    assert not Source.objects.filter(name="feed").exists()
    chief.post(address("source", "add"), {**fields, "hosts": "feed.example"})
    assert Source.objects.get(name="feed").hosts == ["feed.example"]


def test_the_verbs_ask_for_a_reason(market: Market, chief: Client) -> None:
    answer = act(chief, "schedule", "oracle_pause", market.pk)
    assert "reason" in answer.content.decode()
    assert Schedule.objects.get(market=market).paused_at is None
    act(chief, "schedule", "oracle_pause", market.pk, reason=REASON)
    assert Schedule.objects.get(market=market).paused_reason == REASON
    act(chief, "schedule", "oracle_resume", market.pk, reason=REASON)
    assert Schedule.objects.get(market=market).paused_at is None


def test_a_dry_run_from_the_list(market: Market, chief: Client) -> None:
    moved_to = world.fundamental(market)
    act(chief, "schedule", "oracle_dry_run", market.pk, reason=REASON)
    run = Run.objects.get(is_dry=True)
    assert run.state == Run.State.DECIDED
    assert world.fundamental(market) == moved_to
    assert StaffAction.objects.get().verb == "oracle.dry_run"


def test_a_source_is_switched_off_and_on(market: Market, chief: Client) -> None:
    source = Source.objects.get()
    act(chief, "source", "source_off", source.pk, reason=REASON)
    assert not Source.objects.get().is_enabled
    act(chief, "source", "source_on", source.pk, reason=REASON)
    assert Source.objects.get().is_enabled


def test_a_reader_looks_and_changes_nothing(market: Market, reader: Client) -> None:
    spec = world.spec(market)
    assert reader.get(address("run", "changelist")).status_code == 200
    assert reader.get(address("oraclespec", "change", spec.pk)).status_code == 200
    page = address("oraclespec", "change", spec.pk)
    assert reader.post(page, form_of(spec, unit="mine")).status_code == 403
    act(reader, "schedule", "oracle_pause", market.pk, reason=REASON)
    assert Schedule.objects.get(market=market).paused_at is None
    assert OracleSpec.objects.count() == 1


def test_charlie_does_not_get_in(market: Market, client: Client, charlie: User) -> None:
    client.force_login(charlie)
    for model in MODELS:
        assert client.get(address(model, "changelist")).status_code in (302, 403)
