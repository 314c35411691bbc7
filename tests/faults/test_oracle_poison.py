"""One poisoned document may cost itself, or its source a rest; never the run of a market."""

import json
from pathlib import Path
from typing import Any

import pytest
import time_machine

from exchange import clock
from oracle.models import Run, Source
from oracle.sources import registry
from oracle.sources.http import Answer
from tests.fakes.replies import NOON
from tests.oracle import world

pytestmark = [pytest.mark.django_db, pytest.mark.fault]

FEED = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>W</title><item>"
    "<title>Widgets surge&#0; abroad</title><link>https://w.example/1</link>"
    "<pubDate>Wed, 20 Mar 2024 11:00:00 GMT</pubDate></item></channel></rss>"
)
PAGES = {
    "rss": FEED.encode(),
    "gdelt": json.dumps(
        {
            "articles": [
                {"title": "Widgets \0 surge", "url": "https://w.example/\ud800",
                 "seendate": "20240320T110000Z", "domain": "w.\ud800example"},
            ]
        }
    ).encode(),
    "hackernews": b'{"hits": [{"title": "widgets", "created_at_i": 1152921504606846976}]}',
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_the_run_goes_on_with_the_other_source(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]

    class Told:
        def get(self, _url: str, **_: Any) -> Answer:
            return Answer(body=PAGES[kind], changed=True, etag="", last_modified="")

    monkeypatch.setattr(registry, "CLIENT", Told())
    with time_machine.travel(NOON):
        world.archive(tmp_path, "wire", world.news(world.GOOD, at=clock.now()))
        options = {"url": "https://feed.example/x"} if kind == "rss" else {}
        Source.objects.create(name="bad", kind=kind, options=options, hosts=["feed.example"])
        run = world.run(world.oracle_market("bad", "wire"))
    assert (run.state, run.sources["wire"]["state"]) == (Run.State.APPLIED, "ok")


def test_a_link_of_half_a_letter_in_an_archive_is_no_link(tmp_path: Path, settings: Any) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    rows = [world.news(world.GOOD, url="https://w.example/\ud800?q=\udfff"), world.news(world.BAD)]
    world.archive(tmp_path, "wire", *rows)
    assert world.run(world.oracle_market()).state == Run.State.APPLIED
