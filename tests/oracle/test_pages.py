"""The oracle's pages and its API: what was read is shown, escaped, and safe to click."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from oracle.models import OracleSpec, Run, Source
from oracle.selectors import feed, health
from oracle.services import cards
from oracle.services import staff as staff_services
from tests.factories import active_market
from tests.oracle import world

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
HOSTILE = 'Output surged "><img src=x onerror=alert(1)> &lt;script&gt;alert(2)&lt;/script&gt;'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return tmp_path


def test_the_feed_is_a_fragment_for_htmx_and_a_page_for_people(
    folder: Path, client: Client
) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    run = world.run(market)
    address = f"/markets/{market.slug}/oracle/"

    fragment = client.get(address, headers=HTMX).content.decode()
    whole = client.get(address)

    assert world.GOOD in fragment
    assert "<html" not in fragment
    assert f'id="move-{run.ref}"' in fragment
    assert "<html" in whole.content.decode()
    assert whole["Vary"].startswith("HX-Request") or "HX-Request" in whole["Vary"]


def test_what_counts_as_a_rise_is_said_in_plain_words() -> None:
    spec = OracleSpec(rise_words=["prices UP", "lead times DOWN", "frost"], fall_words=["DOWN"])

    assert spec.rise_phrases == ["prices going up", "lead times going down", "frost"]
    assert spec.fall_phrases == ["going down"]


def test_every_publisher_of_a_story_is_named(folder: Path, client: Client) -> None:
    first = world.news(world.GOOD)
    world.archive(folder, "wire", first, world.news(world.GOOD, publisher="Evening Post"))
    market = world.oracle_market()
    run = world.run(market)
    world.write(folder, "wire", first, world.news(world.GOOD, publisher="Morning Post"))
    world.run(market)

    text = client.get(f"/oracle/runs/{run.public_id}/").content.decode()

    assert "1 story from 2 publishers" in text
    assert "Harbour Wire</a> (wire.example)" in text
    assert "Evening Post" in text
    assert "Morning Post" not in text, "it came later"


def test_a_run_without_change_is_shown_too(folder: Path, client: Client) -> None:
    world.archive(folder)
    market = world.oracle_market()
    world.run(market)
    assert "Ran, no change" in client.get(f"/markets/{market.slug}/oracle/").content.decode()


def test_a_run_without_an_event_says_why(folder: Path, client: Client) -> None:
    world.archive(folder)
    market = world.oracle_market(sources=[{"source": "wire"}], fallback="hold")
    Source.objects.update(is_enabled=False)
    run = world.run(market)
    text = client.get(f"/oracle/runs/{run.public_id}/").content.decode()
    assert "No event" in text
    assert feed.REASONS["source_down"] in text
    assert "skipped, switched off" in text


def test_evidence_is_escaped_and_its_links_are_plain(folder: Path, client: Client) -> None:
    world.archive(
        folder,
        "wire",
        world.news(HOSTILE, url="javascript:alert(3)", publisher="<b>Evil</b> Wire"),
        world.news("Profit rose again today", url="https://good.example/a?utm_source=x"),
    )
    market = world.oracle_market()
    run = world.run(market)

    for address in (f"/markets/{market.slug}/oracle/", f"/oracle/runs/{run.public_id}/"):
        text = client.get(address).content.decode()
        body = text[text.index("<main") :]
        assert "<img" not in body
        assert "alert(3)" not in body
        assert not re.search(r"<script|onerror=[^&]|style=|javascript:", body)
        link = 'href="https://good.example/a" rel="noopener noreferrer'
        assert link in body
        assert "Evil Wire" in body


def test_a_stopped_oracle_says_so(folder: Path, client: Client, staff: Any, settings: Any) -> None:
    world.archive(folder)
    market = world.oracle_market()
    staff_services.oracle_pause(actor=staff, market_id=market.pk, reason="Rules are revised.")
    text = client.get(f"/markets/{market.slug}/oracle/", headers=HTMX).content.decode()
    assert "paused by staff: Rules are revised." in text
    settings.ORACLE_MODE = "disabled"
    text = client.get(f"/markets/{market.slug}/oracle/", headers=HTMX).content.decode()
    assert health.DISABLED_WORDS in text


def test_a_market_without_an_oracle_has_an_empty_feed(client: Client) -> None:
    market = active_market()
    assert "no oracle yet" in client.get(f"/markets/{market.slug}/oracle/").content.decode()


def test_unknown_runs_do_not_exist(client: Client) -> None:
    for name in ("run_0000000000000", "run_x", "1", "ord_0000000000001", "%00"):
        assert client.get(f"/oracle/runs/{name}/").status_code == 404
        assert client.get(f"/api/v1/runs/{name}/").status_code == 404
    assert client.get("/markets/nowhere/oracle/").status_code == 404


def test_dry_runs_stay_with_staff(folder: Path, client: Client, staff: Any) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    run = staff_services.dry_run(actor=staff, market_id=market.pk, reason="Trying it out.")
    assert feed.feed(market) == []
    assert client.get(f"/oracle/runs/{run.public_id}/").status_code == 404
    assert client.get("/api/v1/runs/").json()["results"] == []


def test_the_next_run_is_known_while_it_runs(folder: Path) -> None:
    world.archive(folder)
    market = world.oracle_market()
    at = health.next_run_at(market)
    assert at is not None
    assert at <= clock.now()
    summary = health.oracle_health(market)
    assert summary is not None
    assert (summary.next_in_s, summary.stopped) == (0, "")


def test_the_api_lists_runs_and_filters_by_market(folder: Path, client: Client) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    one, two = world.oracle_market(), world.oracle_market()
    first, second = world.run(one), world.run(two)
    world.run(two)

    everything = client.get("/api/v1/runs/").json()
    only = client.get("/api/v1/runs/", {"market": one.slug}).json()
    page = client.get("/api/v1/runs/", {"limit": "2"}).json()
    rest = client.get("/api/v1/runs/", {"limit": "2", "cursor": page["next"]}).json()

    assert [row["market"] for row in everything["results"]] == [two.slug, two.slug, one.slug]
    assert [row["id"] for row in only["results"]] == [first.public_id]
    assert [row["id"] for row in rest["results"]] == [first.public_id]
    assert page["results"][1]["id"] == second.public_id
    assert rest["next"] is None


def test_the_api_describes_a_run_with_figures_as_text(folder: Path, client: Client) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    run = world.run(market)

    answer = client.get(f"/api/v1/runs/{run.public_id}/").json()

    assert answer["state"] == "moved"
    assert answer["reports"][0]["delta"] == "0.012000000000"
    assert re.fullmatch(r"0\.\d{8}", answer["reports"][0]["confidence"])
    assert answer["move"]["fundamental_before"] == "10.000000000000"
    assert answer["evidence"][0]["links"][0]["publisher"] == "Harbour Wire"
    assert answer["reports_sha256"] == run.reports_sha256
    assert OracleSpec.objects.get(market=market).version == answer["spec_version"]


def test_the_api_is_read_only(folder: Path, client: Client) -> None:
    world.archive(folder)
    run = world.run(world.oracle_market())
    for verb in (client.post, client.put, client.delete, client.patch):
        assert verb("/api/v1/runs/").status_code in (401, 403, 405)
        assert verb(f"/api/v1/runs/{run.public_id}/").status_code in (401, 403, 405)
    assert Run.objects.count() == 1


def test_the_api_refuses_what_it_does_not_know(client: Client) -> None:
    assert client.get("/api/v1/runs/", {"sort": "x"}).status_code == 400
    assert client.get("/api/v1/runs/", {"market": "nowhere"}).status_code == 404
    assert client.get("/api/v1/runs/", {"cursor": "run_zzz"}).status_code == 400


def test_only_plain_links_are_safe() -> None:
    assert feed.safe_url("https://a.example/") == "https://a.example/"
    for url in ("javascript:alert(1)", "data:text/html,x", "//x", "", "HTTPS://X", "ftp://x"):
        assert feed.safe_url(url) == ""


def test_a_card_shows_its_plots_and_each_as_a_table(folder: Path, client: Client) -> None:
    now = clock.now()
    rows = [
        world.news(f"{world.GOOD if n % 3 else world.BAD} {n}", at=now - timedelta(hours=n))
        for n in range(1, 40)
    ]
    world.archive(folder, "wire", *rows)
    market = world.oracle_market()
    card = cards.card_make(
        market_id=market.pk,
        start=now - timedelta(hours=40),
        end=now,
        step_s=3_600,
        horizon_s=7_200,
    )
    page = client.get(f"/markets/{market.slug}/oracle/card/").content.decode()
    assert page.count("<figure>") == 5
    assert page.count("As a table") == 5
    every = card.rows.get(of="all")
    judged = sum(count for count, *_ in every.bins)
    assert judged == every.judged == sum(count for count, *_ in every.stated_bins) > 10
    assert sum(claims for _, _, claims in card.errors) == every.verdicts
    for words in (
        "before calibration",
        "95 % interval",
        "Topic:",
        "stage 1 alone",
        "a day would have cost",
    ):
        assert words in page
    told = client.get("/api/v1/report-cards/").json()["results"][0]
    assert {row["of"] for row in told["rows"]} == {"all", "topic", "seat", "reader", "source"}
    assert told["error_course"] == card.errors
    assert told["rows"][0]["bins_before"] == every.stated_bins
