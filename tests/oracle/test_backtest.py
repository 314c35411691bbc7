"""Playing the past: as of each moment, whatever lies ahead; stored for good; the market unmoved."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client

from exchange import clock
from exchange.errors import Malformed
from exchange.models import Command, Market
from oracle.models import Card, CardRow, Evidence, Observation, Run, Source, SpentEvidence
from oracle.selectors import past
from oracle.services import backtest, cards, evidence
from oracle.services.shelf import Shelf
from oracle.services.sources import source_save
from oracle.services.steps import Step
from oracle.sources.base import Item
from tests.fakes import malicious
from tests.oracle import world

pytestmark = pytest.mark.django_db

START = world.day("2024-03-01")
END = START + timedelta(days=10)
DAY_S = 86_400


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return tmp_path


def dated(title: str, days: float) -> dict[str, Any]:
    return world.news(title, at=START + timedelta(days=days))


NEWS = [
    dated("Output surged and widgets orders rose", 0.5),
    dated("Widgets plunged as demand fell", 2.5),
    dated("Widgets output surged to a record", 4.5),
    dated("Widgets makers plunged as orders fell", 6.5),
]
# Loud, and from after the period.
PLANTED = [dated(f"Widgets {word} and output surged", 10.1 + n) for n, word in enumerate("abcdef")]


def number(days: float, value: str) -> dict[str, Any]:
    at = START + timedelta(days=days)
    released = at + timedelta(hours=6)
    observed = {"observed": at.isoformat(), "released": released.isoformat()}
    return {"series": "index", "value": value, **observed}


NUMBERS = [number(-1, "10"), number(3, "11"), number(6, "9")]
AHEAD = [number(12, "30")]


def market(folder: Path, *rows: dict[str, Any]) -> Market:
    world.archive(folder, "wire", *rows)
    return world.oracle_market(lookback_s=2 * DAY_S)


def level_market(folder: Path, *numbers: dict[str, Any]) -> Market:
    world.archive(folder, "wire", *NEWS)
    world.write(folder, "index", *numbers)
    source_save(name="index", kind="archive", options={"file": "index.jsonl"})
    return world.oracle_market(
        "wire",
        "index",
        kind="level",
        quorum=2,
        lookback_s=2 * DAY_S,
        panel=[
            {"seat": "words", "reader": "lexicon", "sources": ["wire"]},
            {"seat": "number", "reader": "series", "sources": ["index"]},
        ],
        mapping={"series": "index", "slope": "1"},
    )


def made(one: Market, **changes: Any) -> Card:
    fields = {"start": START, "end": END, "step_s": DAY_S, **changes}
    return cards.card_make(market_id=one.pk, **fields)


def steps(one: Market) -> list[Step]:
    return list(backtest.play(world.spec(one), START, END, DAY_S))


def said(found: list[Step]) -> list[tuple[Any, ...]]:
    return [(s.at, s.reports, s.told, s.before_pico, s.after_pico, s.level_pico) for s in found]


def test_what_lies_ahead_changes_nothing(folder: Path) -> None:
    one = level_market(folder, *NUMBERS)
    blind = said(steps(one))
    world.write(folder, "wire", *NEWS, *PLANTED)
    world.write(folder, "index", *NUMBERS, *AHEAD)
    assert said(steps(one)) == blind


def test_at_no_moment_is_anything_younger_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = level_market(folder, *NUMBERS, *AHEAD)
    world.write(folder, "wire", *NEWS, *PLANTED)
    seen: list[str] = []
    brief = backtest._Player._brief

    def watched(*arguments: Any) -> Any:
        made = brief(*arguments)
        assert made.number is None or made.number.released_at <= made.as_of
        heads = {tale.head.title: tale.head.published_at for tale in arguments[0].shelf.tales}
        assert all(heads[story.title] <= made.as_of for story in made.stories)
        seen.extend(story.title for story in made.stories)
        return made

    monkeypatch.setattr(backtest._Player, "_brief", watched)
    steps(one)
    assert sorted(seen) == sorted(row["title"] for row in NEWS)


def test_each_prefix_of_a_period_is_the_same_play(folder: Path) -> None:
    one = level_market(folder, *NUMBERS)
    whole = said(steps(one))
    for days in (0, 3, 7):
        part = list(backtest.play(world.spec(one), START, START + timedelta(days=days), DAY_S))
        assert said(part) == whole[: days + 1]


def test_the_market_and_the_store_do_not_notice(folder: Path) -> None:
    one = market(folder, *NEWS)
    before = world.fundamental(one)
    made(one)
    assert world.fundamental(one) == before
    assert not Command.objects.filter(market=one, kind="oracle").exists()
    for table in (Run, Evidence, Observation, SpentEvidence):
        assert not table.objects.exists()


def test_a_story_moves_f_once(folder: Path) -> None:
    found = steps(market(folder, *NEWS))
    assert [len(step.told) for step in found] == [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0]
    moved = [step.after_pico != step.before_pico for step in found]
    assert moved == [bool(step.told) for step in found]
    assert all(step.applied for step in found)


def test_it_plays_what_the_site_itself_would_have_done(folder: Path) -> None:
    one = market(folder, *NEWS)
    played = steps(one)
    lived = []
    for step in played:
        with time_machine.travel(step.at + timedelta(seconds=1)):
            run = world.run(one)
        lived.append([(row.delta_pico, row.confidence_e8) for row in run.reports.order_by("seat")])
    assert lived == [[(r.delta_pico, r.confidence_e8) for r in step.reports] for step in played]


def test_runs_that_happened_get_the_card_of_the_same_play(folder: Path) -> None:
    one = market(folder, *NEWS)
    with pytest.raises(Malformed):
        cards.card_of_runs(market_id=one.pk, start=START, end=END)
    for step in steps(one):
        with time_machine.travel(step.at, tick=False):
            world.run(one)
    played = made(one, horizon_s=3 * DAY_S)
    period: dict[str, Any] = {
        "market_id": one.pk,
        "start": START,
        "end": END,
        "horizon_s": 3 * DAY_S,
    }
    lived = cards.card_of_runs(**period)
    assert (lived.origin, played.origin) == ("lived", "played")
    assert (lived.runs, lived.stories) == (played.runs, played.stories)
    rows = [
        list(c.rows.order_by("of", "name").values_list("of", "name", "claims", "verdicts"))
        for c in (lived, played)
    ]
    assert rows[0] == rows[1]


def test_the_card_is_the_same_twice(folder: Path) -> None:
    one = level_market(folder, *NUMBERS)
    first, second = made(one), made(one)
    assert first.reports_sha256 == second.reports_sha256
    rows = [
        list(c.rows.order_by("of", "name").values_list("of", "name", "hits", "brier_e8"))
        for c in (first, second)
    ]
    assert rows[0] == rows[1]


def test_a_level_market_is_judged_by_the_next_number(folder: Path) -> None:
    one = level_market(folder, *NUMBERS)
    row = made(one).rows.get(of="seat", name="number")
    # From the release on the sixth day on nothing comes any more that could judge.
    assert (row.claims, row.verdicts) == (11, 7)
    assert row.zero_pico is not None


def test_a_delta_market_is_judged_by_its_own_later_way(folder: Path) -> None:
    row = made(market(folder, *NEWS), horizon_s=3 * DAY_S).rows.get(of="all")
    assert (row.claims, row.verdicts) == (11, 8)
    assert row.judged >= row.hits > 0 or row.hits == 0


def test_every_seat_reader_and_source_has_its_line(folder: Path) -> None:
    card = made(level_market(folder, *NUMBERS))
    assert set(card.rows.values_list("of", "name")) == {
        ("all", ""),
        ("seat", "words"),
        ("seat", "number"),
        ("reader", "lexicon"),
        ("reader", "series"),
        ("source", "wire"),
        ("topic", "tests"),
    }
    assert card.rows.get(of="source").claims == len(NEWS)
    assert (card.runs, card.applied, card.stage_1_only, card.stories) == (11, 11, 11, 4)
    assert len(card.path) == 11


def test_a_card_is_never_changed(folder: Path) -> None:
    made(market(folder, *NEWS))
    for table in (Card, CardRow):
        with pytest.raises(DatabaseError), transaction.atomic():
            table.objects.all().delete()


@pytest.mark.parametrize(
    "changes",
    [
        {"end": START},
        {"end": START - timedelta(days=1)},
        {"step_s": 0},
        {"end": world.day("2999-01-01")},
        {"step_s": 1},
    ],
)
def test_a_senseless_period_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        made(market(folder, *NEWS), **changes)


def test_the_command_prints_the_card(folder: Path) -> None:
    one = market(folder, *NEWS)
    out = StringIO()
    period = {"start": "2024-03-01", "end": "2024-03-11"}
    call_command("oracle_backtest", one.slug, **period, stdout=out)
    lines = out.getvalue().splitlines()
    assert "11 runs, 11 applied, 4 moved F, 4 stories" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == ["all", "reader", "seat", "source", "topic"]
    for words in ("yesterday", "2999-01-01"):
        with pytest.raises(CommandError):
            call_command("oracle_backtest", one.slug, start=words, end=words)


def test_people_and_programs_read_the_card(folder: Path, client: Client) -> None:
    one = level_market(folder, *NUMBERS)
    address = f"/markets/{one.slug}/oracle/card/"
    assert "No card has been made yet" in client.get(address).content.decode()
    card = made(one)

    page = client.get(address).content.decode()
    listed = client.get("/api/v1/report-cards/", {"market": one.slug}).json()["results"]

    assert page.count("<polyline") == 5
    assert "11 runs" in page
    assert "style=" not in page.partition("<main")[2].partition("</main")[0]
    assert [row["id"] for row in listed] == [card.public_id]
    assert len(listed[0]["rows"]) == card.rows.count()


def test_the_store_is_read_as_of_a_moment(folder: Path) -> None:
    one = market(folder, world.news(world.GOOD))
    run = world.run(one)
    row = Source.objects.get(name="wire")
    stored = past.Stored(row, one.pk)
    assert run.fetched_at is not None
    since = run.fetched_at - timedelta(days=2)
    assert [item.title for item in stored.fetch("", since, run.fetched_at, 9)] == [world.GOOD]
    early = run.fetched_at - timedelta(milliseconds=1)
    assert stored.fetch("", since, early, 9) == []


def test_the_store_gives_as_much_as_all_queries_of_a_run_had_found(folder: Path) -> None:
    one = market(folder, *(world.news(f"{world.GOOD} {word}") for word in ["one", "two", "six"]))
    run = world.run(one)
    assert run.fetched_at is not None
    since, row = run.fetched_at - timedelta(days=2), Source.objects.get(name="wire")
    counts = [
        len(past.Stored(row, one.pk, queries).fetch("", since, run.fetched_at, 2))
        for queries in (1, 2)
    ]
    assert counts == [2, 3]


def test_memory_and_store_make_the_same_stories(folder: Path) -> None:
    """Two implementations of one rule, over hostile documents and retold news."""
    now = clock.now()
    rows = [*malicious.documents(now)[::3], *NEWS]
    items = [
        Item(
            title=row["title"],
            text=row.get("text", ""),
            url=row.get("url", ""),
            publisher=row["publisher"],
            published_at=clock.at(int(now.timestamp()) - 60 - n),
        )
        for n, row in enumerate(rows)
    ]
    items += [Item(**{**_fields(one), "publisher": "Copy", "url": ""}) for one in items[::5]]
    shelf = Shelf()
    places = {n: shelf.place(item, now) for n, item in enumerate(items)}
    stored = {}
    for n, item in enumerate(items):
        kept = evidence.store([item], until=now)
        stored[n] = kept[0].cluster_id if kept else None
    assert _partition(places) == _partition(stored)


def _fields(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Item.__slots__}


def _partition(groups: dict[int, int | None]) -> list[list[int]]:
    found: dict[int | None, list[int]] = {}
    for number, group in groups.items():
        found.setdefault(group, []).append(number)
    return sorted(found.values())
