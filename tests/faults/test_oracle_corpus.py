"""Three hundred hostile documents through the whole pipeline, with every reader there is.

They are mixed in lots of one to five into honest stories. What they may do is be read: reports keep
their form, F keeps its caps, nobody is called, the page keeps its shape, and twice is the same.
"""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client

from exchange import clock
from exchange.engines import variable
from exchange.engines.units import RATE
from exchange.engines.variable import oracle_event
from exchange.models import Market
from exchange.selectors.configs import config_of
from oracle.analysts import generator, here, nets
from oracle.core import reports, sizing
from oracle.core.scoring import SMALL_PICO
from oracle.models import Evidence, Report, Run
from oracle.services import texts
from oracle.services.replay import replay
from tests.fakes import tiny_models
from tests.oracle import corpus, world
from tests.oracle.corpus_seeds import VICTIM

pytestmark = [pytest.mark.django_db, pytest.mark.fault, pytest.mark.timeout(600)]

READERS = ("lexicon", "classifier", "nli", "generator")
NOTES = {value for name, value in vars(reports).items() if name.startswith("NOTE_")}
# What Python tells whoever listens before it calls anybody or starts anything.
CALLS = (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile",
    "urllib.Request", "webbrowser.open", "ftplib.connect", "smtplib.connect",
)  # fmt: skip
REL = "noopener noreferrer nofollow ugc"
CANARY = "canary-of-a-key-4711"

_heard: list[str] | None = None


def _listen(event: str, given: tuple[Any, ...]) -> None:
    if _heard is None or event not in CALLS:
        return
    # our own stores are reached through files of this machine
    if event == "socket.connect" and isinstance(given[1], str | bytes):
        return
    _heard.append(f"{event} {given}"[:200])


sys.addaudithook(_listen)


@contextmanager
def nobody_is_called() -> Iterator[None]:
    """Fail if the block connects, asks for a name, or starts a program, however it does."""
    global _heard  # noqa: PLW0603 (a hook cannot be taken away, only told when to listen)
    _heard = []
    try:
        yield
        assert _heard == []
    finally:
        _heard = None


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return tiny models of the real kinds, from seeds."""
    tiny_models.libraries()
    folder = tmp_path_factory.mktemp("models")
    for name in ("classifier", "nli", "generator-tiny"):
        (folder / name).mkdir()
    tiny_models.classifier(folder / "classifier")
    tiny_models.classifier(folder / "nli", ("ENTAILMENT", "NEUTRAL", "CONTRADICTION"))
    tiny_models.decoder(folder / "generator-tiny")
    return folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, models: Path, settings: Any) -> Iterator[Path]:
    settings.ORACLE_MODELS_DIR = str(models)
    settings.ORACLE_GENERATOR = "tiny"
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    settings.ORACLE_KEYS = {"serper": CANARY, "fred": CANARY, "github": CANARY}
    settings.ORACLE_RUNTIME = "torch"
    with nets.using(here.Here()):
        yield tmp_path


def placed(folder: Path, name: str, rows: list[dict[str, Any]]) -> Market:
    """Return a market that reads these rows with every reader."""
    world.archive(folder, name, *rows)
    panel = [{"seat": f"{one} seat", "reader": one, "sources": [name]} for one in READERS]
    return world.oracle_market(name, panel=panel, quorum=3, keywords=[VICTIM])


def judged(market: Market) -> Run:
    """Run it once, with everything that must hold of one run."""
    before = world.fundamental(market)
    with nobody_is_called():
        run = world.run(market)
    assert (run.state, run.detail["abstained"]) == (Run.State.APPLIED, {})
    made = list(Report.objects.filter(run=run).order_by("seat"))
    assert [row.seat for row in made] == sorted(f"{one} seat" for one in READERS)
    stories = {cluster for cluster, *_ in run.inputs["stories"]}
    for row in made:
        most = sizing.BUCKETS_PICO[-1] if row.reader == "generator" else SMALL_PICO
        assert (row.kind, row.level_pico) == (reports.DELTA, None)
        assert abs(row.delta_pico) <= most
        assert min(row.confidence_e8, row.stated_e8) >= 0
        assert max(row.confidence_e8, row.stated_e8) <= RATE
        assert set(row.notes) <= NOTES
        assert {cluster for cluster, *_ in row.marks} <= stories
        assert all(sign in (-1, 0, 1) and 0 <= sure <= RATE for _, sign, sure, _ in row.marks)
    _moved_by_reports_alone(market, made, before)
    assert replay(run).is_identical
    return run


def _moved_by_reports_alone(market: Market, made: list[Report], before: int) -> None:
    """F is where the engine's rules lead from the reports, and inside the caps of one event."""
    config = config_of(market.config)
    given = tuple(
        variable.Report(delta_pico=row.delta_pico, confidence_e8=row.confidence_e8) for row in made
    )
    reading = oracle_event.read(config, given)
    after, _ = oracle_event.filtered(config, before, before, reading)
    assert world.fundamental(market) == after
    assert abs(after - before) * RATE <= config.step_max_e8 * before
    assert abs(after - before) * RATE <= config.day_max_e8 * before


def secrets() -> list[str]:
    """Return what no output may carry: keys, the site's secret, the words of the prompts."""
    lines = [
        line.strip()
        for file in (generator.DIRECTION, generator.SIZE)
        for line in generator.prompt(file).splitlines()
    ]
    return [CANARY, site.SECRET_KEY, *(line for line in lines if len(line) > 25)]


def test_there_are_three_hundred_of_twelve_kinds() -> None:
    every = corpus.documents(clock.now())
    assert (len(corpus.FAMILIES), len(every)) == (12, 300)
    assert len({row["url"] + row["title"] + row["text"] + row["published"] for row in every}) == 300
    for family in set(corpus.FAMILIES) - {"near copies"}:
        told = {
            texts.plain(row["title"], 300) + texts.plain(row["text"], 2_000)
            for row in corpus.family_of(family, clock.now())
        }
        assert len(told) >= 12, family


@pytest.mark.parametrize("family", sorted(corpus.FAMILIES))
def test_a_family_among_honest_stories(folder: Path, family: str) -> None:
    at, notes = clock.now(), set[str]()
    for number, lot in enumerate(corpus.groups(corpus.family_of(family, at))):
        rows = [*corpus.honest(number, at), *lot]
        random.Random(number).shuffle(rows)
        market = placed(folder, f"lot{number}", rows)
        run = judged(market)
        for row in Report.objects.filter(run=run):
            notes |= set(row.notes)
        said = json.dumps(
            [run.inputs, run.outcome, run.detail, run.sources, run.versions]
            + [[row.seat, row.notes, row.marks] for row in Report.objects.filter(run=run)]
        )
        assert not [secret for secret in secrets() if secret in said]
    assert reports.NOTE_LARGE in notes, "the text model was never asked how much"
    for kept in Evidence.objects.all():
        assert texts.plain(kept.title, texts.TITLE_MAX) == kept.title
        assert texts.plain(kept.text, texts.TEXT_MAX) == kept.text
        assert kept.url == "" or kept.url.startswith("https://")


def test_the_same_documents_twice_are_the_same_reports(folder: Path) -> None:
    rows = corpus.documents(clock.now())[::12]
    first = judged(placed(folder, "one", rows))
    random.Random(7).shuffle(rows)
    second = judged(placed(folder, "two", rows))
    told = [
        [
            (row.reader, row.delta_pico, row.confidence_e8, row.notes, sorted(row.marks))
            for row in Report.objects.filter(run=run).order_by("seat")
        ]
        for run in (first, second)
    ]
    assert told[0] == told[1]


class Shape(HTMLParser):
    """What a browser would build of the body of a page: its tags, with what they may do."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, ...]] = set()
        self.links: list[dict[str, str | None]] = []
        self.feed(page[page.index("<main") : page.rindex("</main>")])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, *sorted(name for name, _ in attrs)))
        if tag == "a":
            self.links.append(dict(attrs))

    def handle_comment(self, data: str) -> None:
        self.found.add(("comment",))


@pytest.mark.parametrize("family", sorted(corpus.FAMILIES))
def test_a_page_of_them_has_the_shape_of_an_honest_page(
    folder: Path, client: Client, family: str
) -> None:
    at = clock.now()
    honest = [row for number in range(5) for row in corpus.honest(number, at)]
    pages = []
    for name, rows in (("honest", honest), ("hostile", corpus.family_of(family, at))):
        market = placed(folder, name, rows)
        with nobody_is_called():
            run = world.run(market)
        for place in (f"/oracle/runs/{run.public_id}/", f"/markets/{market.slug}/oracle/"):
            answer = client.get(place)
            pages.append((name, answer.content.decode()))
        told = client.get(f"/api/v1/runs/{run.public_id}/")
        assert told.headers["Content-Type"].startswith("application/json")
        assert b"<" not in told.content
    usual = set().union(*(Shape(page).found for name, page in pages if name == "honest"))
    for name, page in pages:
        shape = Shape(page)
        assert name == "honest" or shape.found <= usual
        for link in shape.links:
            href = link.get("href") or ""
            assert href.startswith(("/", "#", "?", "https://"))
            assert not href.startswith("//")
            assert href.startswith("https://") == (link.get("rel") == REL)
        assert not [secret for secret in secrets() if secret in page]
