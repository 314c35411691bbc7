"""What a card draws over time: each part's figures, by hand, and the same sums as its totals."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from exchange.models import Market
from oracle.core.reports import NOTE_LARGE, Report
from oracle.models import Card, CostEntry, OracleSpec, Run, Source
from oracle.selectors import cards as sheets
from oracle.services import cards, courses
from oracle.services.sources import source_save
from oracle.services.steps import Step
from tests.oracle import world

START = world.day("2024-03-01")
HOUR = timedelta(hours=1)
RATE = 10**8


def step(hour: int, *, large: bool = False, applied: bool = True, cost: int = 0) -> Step:
    report = Report(
        seat="words",
        reader="lexicon",
        sources=("wire",),
        kind="delta",
        delta_pico=3,
        confidence_e8=RATE,
        stated_e8=RATE,
        notes=(NOTE_LARGE,) if large else (),
    )
    return Step(
        at=START + hour * HOUR,
        reports=(report,),
        told={},
        applied=applied,
        before_pico=1,
        after_pico=1,
        level_pico=None,
        latency_ms=1,
        cost_micro=cost,
    )


def test_parts_count_events_and_those_of_stage_1_alone() -> None:
    steps = [step(0), step(1, large=True), step(1, applied=False), step(63, large=True), step(63)]
    found = courses.stages(steps)
    assert [row[1:] for row in found] == [[2, 1], [2, 1]]
    assert found[0][0] < int((START + 2 * HOUR).timestamp()) < found[1][0]
    assert sum(row[2] for row in found) == sum(courses.is_stage_1(s) for s in steps if s.applied)


def test_errors_leave_out_what_nobody_judged() -> None:
    found = courses.errors([step(0), step(1), step(63)], [None, 5, 1])
    assert [row[1:] for row in found] == [[2, 1], [2, 1]]


def test_a_period_of_one_moment_has_one_part() -> None:
    assert [row[1:] for row in courses.stages([step(0)])] == [[1, 1]]
    spec = OracleSpec(interval_s=600, daily_budget_micro=10**9)
    assert [row[1:] for row in courses.costs(spec, [step(0, cost=5)], is_lived=False)] == [[720, 1]]


def test_a_played_day_costs_its_runs_within_the_budget() -> None:
    spec = OracleSpec(interval_s=600, daily_budget_micro=500)
    steps = [step(0, cost=2), step(63, cost=4)]
    assert courses.cost_micro_day(spec, steps, is_lived=False) == 3 * 144
    assert [row[1:] for row in courses.costs(spec, steps, is_lived=False)] == [[288, 1], [500, 1]]


@pytest.mark.parametrize(
    ("kind", "reader", "micro"),
    [
        ("serper", "lexicon", 2_000),
        ("rss", "lexicon", 1_000),
        ("npm", "series", 1_000),
        ("archive", "lexicon", 0),
    ],
)
def test_a_run_asks_a_search_each_query_and_another_source_once(
    kind: str, reader: str, micro: int
) -> None:
    panel = [{"seat": "one", "reader": reader, "sources": ["a"]}]
    spec = OracleSpec(queries=["widgets", "gadgets"], panel=panel)
    row = Source(name="a", kind=kind, cost_micro=1_000)
    assert courses.run_cost_micro(spec, [row]) == micro
    row.is_enabled = False
    assert courses.run_cost_micro(spec, [row]) == 0


@pytest.fixture
def market(tmp_path: Any, settings: Any) -> Market:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    now = clock.now()
    rows = [world.news(f"{world.GOOD} {n}", at=now - n * HOUR) for n in range(1, 9)]
    world.archive(tmp_path, "wire", *rows)
    source_save(name="paid", kind="serper", options={}, cost_micro=1_000)
    return world.oracle_market("wire", "paid", daily_budget_micro=100_000)


@pytest.mark.django_db
def test_a_card_publishes_what_its_past_would_have_cost(market: Market, client: Client) -> None:
    now = clock.now()
    card = cards.card_make(market_id=market.pk, start=now - 6 * HOUR, end=now, step_s=3_600)

    shown = client.get(f"/markets/{market.slug}/oracle/card/").content.decode()
    told = client.get("/api/v1/report-cards/").json()["results"][0]

    # one query each ten minutes, a tenth of a cent each, is more than the budget
    assert card.cost_micro_day == 100_000
    assert {cost for _, cost, _ in card.costs} == {100_000}
    assert "would have cost at most 0.10 USD" in shown
    assert "Cost a day over the period, as a table" in shown
    assert "Share of events that needed stage 1 alone over the period, as a table" in shown
    assert (told["cost_per_day"], told["latency_ms"]) == ("0.100000", card.latency_ms)
    assert told["cost_course"] == card.costs
    assert told["stage_course"] == card.stages
    assert sum(events for _, events, _ in card.stages) == card.applied
    assert sum(alone for *_, alone in card.stages) == card.stage_1_only


@pytest.mark.django_db
def test_a_lived_card_shows_what_was_booked(market: Market, client: Client) -> None:
    Source.objects.filter(name="paid").update(is_enabled=False)
    first, last = world.run(market), world.run(market)
    Run.objects.filter(pk=first.pk).update(fetched_at=now_less(2))
    first.refresh_from_db()
    assert first.fetched_at
    assert last.fetched_at
    paid = Source.objects.get(name="paid")
    for at, cost in ((first.fetched_at, 7), (last.fetched_at, 70), (clock.now() + HOUR, 700)):
        CostEntry.objects.create(source=paid, market=market, cost_micro=cost, at=at)

    card = cards.card_of_runs(market_id=market.pk, start=now_less(3), end=clock.now())

    assert card.origin == Card.Origin.LIVED
    assert card.cost_micro_day == 77
    # a part of what ran for less than a day is a thirty-second of that day
    assert [cost for _, cost, _ in card.costs] == [7 * courses.PARTS, 70 * courses.PARTS]
    sheet = sheets.sheet(card)
    assert sheet.costs.top == 70 * courses.PARTS
    assert [(part.x, part.y) for part in sheet.costs.parts] == [(0, 198), (640, 0)]
    run = client.get(f"/api/v1/runs/{first.public_id}/").json()
    assert (run["cost"], run["fetched_at"] <= run["read_at"] <= run["decided_at"]) == (
        "0.000000",
        True,
    )


def now_less(hours: int) -> Any:
    return clock.now() - hours * HOUR
