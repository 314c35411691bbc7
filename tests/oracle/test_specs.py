"""Specifications, sources and budgets: what cannot work is refused before it runs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction

from exchange import clock
from exchange.engines import variable
from exchange.errors import Malformed, MegatronError, NotAllowed, Unprocessable
from exchange.models import Market, MarketEvent, StaffAction, User
from oracle.models import Activation, CostEntry, OracleSpec, Run, Schedule, Source, SpentEvidence
from oracle.services import budgets, cards, specs, staff, terms
from oracle.services.lint import lint
from oracle.services.sources import source_save
from oracle.sources.base import OverBudget
from tests.factories import active_market
from tests.oracle import world

pytestmark = pytest.mark.django_db

REASON = "Because it is tested."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    world.archive(tmp_path, "other")
    return tmp_path


@pytest.fixture
def market() -> Market:
    return world.oracle_market()


def problems(market: Market, **changes: Any) -> list[str]:
    with pytest.raises(Unprocessable) as caught:
        specs.spec_save(market_id=market.pk, fields=world.spec_fields(**changes))
    assert caught.value.code == "spec_refused"
    found = caught.value.fields["problems"]
    assert isinstance(found, list)
    return found


def two_seats(*sources: str, reader: str = "lexicon") -> list[dict[str, Any]]:
    return [
        {"seat": f"seat {n}", "reader": reader, "sources": [name]} for n, name in enumerate(sources)
    ]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"unit": ""}, "unit"),
    ({"fallback": ""}, "fallback"),
    ({"fallback": "hope"}, "fallback"),
    ({"sources": []}, "sources"),
    ({"sources": [{"source": "nobody"}]}, "there is no source 'nobody'"),
    ({"sources": [{"source": "wire"}, {"source": "wire"}]}, "named once"),
    ({"sources": [{"source": "wire", "weight": "1.5"}]}, "weight"),
    ({"sources": [{"source": "wire", "weight": "0"}]}, "weight"),
    ({"sources": [{"source": "wire", "weight": "1e-1"}]}, "weight"),
    ({"sources": [{"source": "wire", "secret": 1}]}, "sources"),
    ({"sources": "wire"}, "sources"),
    ({"question": ""}, "question"),
    ({"queries": []}, "1 to 10 queries"),
    ({"queries": ["q"] * 11}, "queries"),
    ({"queries": ["q" * 121]}, "queries"),
    ({"queries": [""]}, "queries"),
    ({"queries": {"a": 1}}, "queries"),
    ({"panel": []}, "panel"),
    ({"panel": two_seats("wire", reader="oracle of delphi")}, "there is no reader"),
    ({"panel": two_seats("other")}, "must read some of the sources"),
    ({"panel": two_seats("wire", "wire")}, "not independent"),
    ({"panel": two_seats("wire", reader="series")}, "needs a mapping"),
    ({"panel": [{"seat": "a"}]}, "panel"),
    ({"quorum": 2}, "the quorum is 2, the market's own is 1"),
    ({"kind": "level"}, "needs a mapping"),
    ({"mapping": {"series": "x"}}, "slope"),
    ({"mapping": {"series": "x", "slope": "0"}}, "slope"),
    ({"mapping": {"series": "x", "slope": "1", "confidence": "2"}}, "confidence"),
    ({"mapping": {"slope": "1"}}, "names the series"),
    ({"mapping": {"series": "x", "slope": "1", "code": "x"}}, "mapping"),
    ({"interval_s": 60}, "interval_s"),
    ({"interval_s": 1000, "interval_max_s": 900}, "inside its own range"),
    ({"lookback_s": 60}, "lookback"),
    ({"polarity": 2}, "polarity"),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED)
def test_what_cannot_work_is_refused(changes: dict[str, Any], words: str) -> None:
    market = Market(config=variable.Config.parse({"quorum": "1"}).to_mapping())
    spec = OracleSpec(market=market, **world.spec_fields(**changes))
    assert any(words in problem for problem in lint(spec))


def test_a_refused_specification_is_not_kept(market: Market) -> None:
    assert any("unit" in problem for problem in problems(market, unit=""))
    assert OracleSpec.objects.count() == 1


def test_an_interval_may_not_let_the_market_go_stale() -> None:
    market = active_market(quorum=1, max_stale=700)
    assert any("go stale" in problem for problem in problems(market))


def test_a_field_nobody_knows_is_malformed(market: Market) -> None:
    with pytest.raises(Malformed):
        specs.spec_save(market_id=market.pk, fields=world.spec_fields(price="5"))


def test_a_change_is_a_new_version_that_awaits_its_card(market: Market, folder: Path) -> None:
    first = world.spec(market)
    second = specs.spec_save(market_id=market.pk, fields=world.spec_fields(interval_s=450))
    assert (first.version, second.version) == (1, 2)
    assert terms.spec_sha256(first) != terms.spec_sha256(second)
    with pytest.raises(Unprocessable) as refused:
        specs.spec_follow(spec=second)
    assert refused.value.code == "card_missing"
    assert Schedule.objects.get(market=market).spec == first
    now = clock.now()
    rows = [world.news(f"{world.GOOD} {n}", at=now - timedelta(hours=n)) for n in range(1, 9)]
    world.write(folder, "wire", *rows)
    period: dict[str, Any] = {
        "start": now - timedelta(hours=7),
        "end": now,
        "step_s": 3_600,
        "horizon_s": 3_600,
    }
    card = cards.card_make(market_id=market.pk, spec=second, **period)
    assert card.spec == second
    made = specs.spec_follow(spec=second)
    schedule = Schedule.objects.get(market=market)
    assert (schedule.spec, schedule.interval_s) == (second, 450)
    assert (made.card, made.waived) == (card, "")


def test_a_card_of_another_version_opens_nothing(market: Market) -> None:
    now = clock.now()
    cards.card_make(market_id=market.pk, start=now - timedelta(hours=2), end=now, step_s=3_600)
    second = specs.spec_save(market_id=market.pk, fields=world.spec_fields(interval_s=450))
    with pytest.raises(Unprocessable):
        specs.spec_follow(spec=second)
    made = specs.spec_follow(spec=second, waived="The board has decided.")
    assert (made.card, made.waived) == (None, "The board has decided.")
    with pytest.raises(IntegrityError), transaction.atomic():
        Activation.objects.create(spec=second)


def test_a_version_never_changes(market: Market) -> None:
    spec = world.spec(market)
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        OracleSpec.objects.filter(pk=spec.pk).update(unit="other")
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        OracleSpec.objects.filter(pk=spec.pk)._raw_delete("default")


def test_a_run_names_the_version_it_followed(market: Market) -> None:
    run = world.run(market)
    specs.spec_save(market_id=market.pk, fields=world.spec_fields(interval_s=450))
    run.refresh_from_db()
    assert run.spec.version == 1
    assert run.versions["spec"] == terms.spec_sha256(run.spec)


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({}, []),
        ({"url": "https://feed.example/x"}, []),
        ({"url": "https://feed.example/x"}, ["other.example"]),
        ({"url": "file:///etc/passwd"}, [""]),
        ({"url": "ftp://feed.example/"}, ["feed.example"]),
    ],
)
def test_a_feed_needs_an_address_on_its_list(options: dict[str, Any], hosts: list[str]) -> None:
    with pytest.raises(Unprocessable):
        source_save(name="feed", kind="rss", options=options, hosts=hosts)
    assert not Source.objects.filter(name="feed").exists()


def test_a_source_is_changed_by_its_name() -> None:
    address = {"url": "https://feed.example/x"}
    one = source_save(name="feed", kind="rss", options=address, hosts=["feed.example"])
    two = source_save(
        name="feed", kind="rss", options=address, hosts=["feed.example"], label="A feed"
    )
    assert (one.pk, str(two)) == (two.pk, "A feed")


def test_an_unknown_kind_or_option_is_refused() -> None:
    for kind, options in (("carrier pigeon", {}), ("archive", {"path": "x"})):
        with pytest.raises(Unprocessable):
            source_save(name="odd", kind=kind, options=options)


def test_the_last_affordable_request_passes_and_the_next_does_not(market: Market) -> None:
    run = world.started(market)
    source = Source.objects.get(name="wire")
    source.cost_micro = 400_000
    spend = budgets.spender(source, run)
    spend()
    spend()
    with pytest.raises(OverBudget):
        spend()
    assert budgets.spent_micro(run) == 800_000
    assert CostEntry.objects.filter(run=run).count() == 2
    with clock.shifted(86_400):
        spend()


def test_a_source_has_its_own_count_for_all_markets(market: Market) -> None:
    source = Source.objects.get(name="wire")
    source.requests_per_day_max = 2
    budgets.spender(source, world.started(market))()
    other = world.started(world.oracle_market())
    budgets.spender(source, other)()
    with pytest.raises(OverBudget):
        budgets.spender(source, other)()


def test_a_dry_run_changes_nothing_and_spends_nothing(market: Market, staff_user: User) -> None:
    before = world.fundamental(market)
    run = staff.dry_run(actor=staff_user, market_id=market.pk, reason=REASON)
    assert (run.state, run.is_dry) == (Run.State.DECIDED, True)
    assert run.finished_at
    assert run.reports.get().delta_pico > 0
    assert world.fundamental(market) == before
    assert not SpentEvidence.objects.exists()
    action = StaffAction.objects.get(verb="oracle.dry_run")
    assert (action.actor, action.reason) == (staff_user, REASON)
    assert action.detail == {"run": run.public_id}
    assert world.run(market).outcome["fundamental_pico"] != str(before)


def test_pausing_is_public_and_has_a_reason(market: Market, staff_user: User) -> None:
    staff.oracle_pause(actor=staff_user, market_id=market.pk, reason=REASON)
    with pytest.raises(Unprocessable):
        staff.oracle_pause(actor=staff_user, market_id=market.pk, reason=REASON)
    staff.oracle_resume(actor=staff_user, market_id=market.pk, reason=REASON)
    with pytest.raises(Unprocessable):
        staff.oracle_resume(actor=staff_user, market_id=market.pk, reason=REASON)
    kinds = MarketEvent.objects.filter(market=market, rule=REASON).order_by("id")
    assert [event.kind for event in kinds] == ["oracle_paused", "oracle_resumed"]
    assert StaffAction.objects.count() == 2


@pytest.mark.parametrize("reason", ["", "  no  ", "x" * 201])
def test_without_a_reason_nothing_happens(market: Market, staff_user: User, reason: str) -> None:
    for act in (staff.oracle_pause, staff.oracle_resume, staff.dry_run):
        with pytest.raises(Malformed):
            act(actor=staff_user, market_id=market.pk, reason=reason)
    assert not StaffAction.objects.exists()
    assert not Run.objects.exists()


def test_charlie_may_do_none_of_it(market: Market, charlie: User) -> None:
    acts: list[Any] = [staff.oracle_pause, staff.oracle_resume, staff.dry_run]
    for act in acts:
        with pytest.raises(NotAllowed):
            act(actor=charlie, market_id=market.pk, reason=REASON)
    assert not StaffAction.objects.exists()


def test_a_source_can_be_switched_off_and_on(staff_user: User) -> None:
    source = Source.objects.get(name="wire")
    staff.source_switch(actor=staff_user, source=source, is_enabled=False, reason=REASON)
    with pytest.raises(MegatronError):
        staff.source_switch(actor=staff_user, source=source, is_enabled=False, reason=REASON)
    Source.objects.update(failures=3, retry_at=clock.now() + timedelta(hours=1))
    staff.source_switch(actor=staff_user, source=source, is_enabled=True, reason=REASON)
    source.refresh_from_db()
    assert (source.is_enabled, source.failures, source.retry_at) == (True, 0, None)


@pytest.fixture
def staff_user(staff: User) -> User:
    return staff
