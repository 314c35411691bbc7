"""The floor of a session in a real browser: ticks write at once what the server would."""

import gzip
import io
import re
from typing import Any

import segno
from PIL import Image
from playwright.sync_api import Page, Response, Route, expect

from exchange.models import Participant, Session
from tests.browser.people import complaints, sign_in
from tests.factories import ask, host_user, joined, open_session, running_session

LONG: dict[str, Any] = {"total_duration_ms": "3600000", "batch_ms": "500"}
PARTS = ("#session-book", "#session-trades", "#session-mine", "#session-rows")


def _enter(page: Page, site: str, session: Session, name: str) -> Participant:
    page.goto(f"{site}/sessions/{session.code}/?outcome=0")
    page.get_by_label("Your name in this session").fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.locator(".connection").first).to_have_attribute("data-state", "live")
    found = session.participants.get(name=name)
    found.session = session
    return found


def _shown(page: Page) -> dict[str, str]:
    return {part: page.locator(part).inner_text() for part in PARTS}


def test_a_tick_writes_what_the_server_would(site: str, page: Page) -> None:
    session = running_session(af_enabled=True, f="0.01", **LONG)
    heard = complaints(page)
    me, other = _enter(page, site, session, "Mia"), joined(session, "Robot")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/parts/**", refuse)

    ask(me, "buy", "0y", "20")
    ask(me, "buy", "0n", "30", price="0.49")
    ask(me, "buy", "1y", "7", price="0.05", auto_fill=True)
    ask(other, "buy", "0y", "40")  # makes pairs with who buys NO at 0.49
    expect(page.locator("#session-trades tbody")).to_contain_text("new pair")
    expect(page.get_by_label("Open orders")).to_contain_text("NO at 0.49")
    ask(other, "sell", "0y", "4", price="0.9")
    ask(me, "sell", "0y", "8", price="0.95")
    ask(me, "sell", "0n", "2")
    expect(page.locator("#session-trades tbody")).to_contain_text("▼ Sell NO")
    expect(page.locator("#session-book tbody").first).to_contain_text("0.95")
    expect(page.get_by_label("Positions")).to_contain_text("8 of them in sell orders")
    told = _shown(page)

    assert asked == []
    page.unroute("**/parts/**")
    page.reload()
    expect(page.locator(".connection").first).to_have_attribute("data-state", "live")
    assert told == _shown(page)
    assert heard == []


def test_the_graph_is_read_by_keys_and_as_a_table(site: str, page: Page) -> None:
    session = running_session(**LONG)
    who = joined(session, "Robot")
    ask(who, "buy", "1y", "50")
    page.goto(f"{site}/sessions/{session.code}/")
    chart = page.locator("[data-session-chart]")
    spoken = chart.locator("[data-spoken]")
    expect(chart).to_have_attribute("data-state", "ready")
    expect(page.locator("[data-chance='1']")).not_to_have_text("50.0\u202f%")

    page.locator("[data-stage]").focus()
    page.keyboard.press("Home")
    expect(spoken).to_have_text("Ant 0.500 at 0:00")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    expect(spoken).to_have_text(re.compile(r"Bee 0\.5(?!00)\d\d at 0:0\d"))
    expect(chart.locator("[data-read]")).to_contain_text("· Bee 0.5")
    page.keyboard.press("PageUp")
    expect(spoken).to_have_text("Bee 0.500 at 0:00")
    page.keyboard.press("PageUp")
    expect(spoken).to_have_text("No further tick")
    page.keyboard.press("ArrowDown")
    expect(spoken).to_have_text("Ant 0.500 at 0:00")
    page.keyboard.press("h")
    expect(chart.locator("[data-chart-keys]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chart.locator("[data-chart-keys]")).to_be_hidden()

    chart.get_by_text("Show as a table").click()
    expect(chart.get_by_role("columnheader", name="Bee")).to_be_visible()
    with page.expect_download() as waiting:
        chart.get_by_role("link", name="All as CSV").click()
    assert "Bee" in waiting.value.path().read_text()


COUNTDOWNS = """() => [...document.querySelectorAll("#session-head [data-until]")]
  .map((element) => element.textContent.split(":").reduce((sum, part) => 60 * sum + +part, 0))"""
PRICES = """() => [...document.querySelectorAll(".outcome-row [data-price$='0']")]
  .map((element) => Number(element.textContent))"""
SCRIPTS_MAX = 200_000


def test_clocks_run_down_and_sums_agree(site: str, page: Page) -> None:
    options = {**LONG, "batch_ms": "60000", "mr_enabled": True}
    session = running_session(outcomes=5, rounds=[["1800000", "60000", ["4"]]], **options)
    sizes: list[int] = []

    def weigh(response: Response) -> None:
        if response.request.resource_type == "script":
            sizes.append(len(gzip.compress(response.body())))

    page.on("response", weigh)
    page.goto(f"{site}/sessions/{session.code}/")
    expect(page.locator("[data-session-chart]")).to_have_attribute("data-state", "ready")
    batch = page.locator("[data-batch-clock]")
    expect(batch).to_have_text(re.compile(r"^\d+\u202fs$"))
    before, left = page.evaluate(COUNTDOWNS), int(batch.inner_text().split("\u202f")[0])

    expect(batch).to_have_text(f"{left - 2}\u202fs")
    after = page.evaluate(COUNTDOWNS)

    assert len(before) == 2
    assert all(0 < now < then for now, then in zip(after, before, strict=True))
    shown = float(page.locator("[data-session-sum]").inner_text())
    prices = page.evaluate(PRICES)
    assert len(prices) == 5
    assert abs(shown - sum(prices)) < 0.001 * len(prices)
    assert len(sizes) > 10
    assert sum(sizes) < SCRIPTS_MAX


def test_every_outcome_has_its_line(site: str, page: Page) -> None:
    session = running_session(outcomes=4, **LONG)
    ask(joined(session, "Robot"), "buy", "1y", "50")
    page.goto(f"{site}/sessions/{session.code}/")
    expect(page.locator("[data-chance='1']")).not_to_have_text("50.0\u202f%")

    lines = page.locator(".outcome-spark polyline")

    expect(lines).to_have_count(4)
    for number in range(4):
        expect(lines.nth(number)).to_have_attribute("points", re.compile(r"^\d\S+( \S+)+$"))


def test_the_code_on_the_wall_is_the_link(site: str, page: Page) -> None:
    host = host_user()
    session = open_session(host)
    sign_in(page.context, site, host)
    page.goto(f"{site}/sessions/{session.code}/host/")
    link = page.locator("[data-copy-source]").get_attribute("href") or ""
    modules = [list(row) for row in segno.make(link, error="m", micro=False).matrix_iter(border=4)]

    seen = Image.open(io.BytesIO(page.locator(".qr svg").screenshot())).convert("L")

    pixels, side = seen.tobytes(), seen.width / len(modules)
    middles = [int((n + 0.5) * side) for n in range(len(modules))]
    dark = [[pixels[y * seen.width + x] < 128 for x in middles] for y in middles]
    assert link == f"{site}/sessions/{session.code}/"
    assert dark == [[bool(module) for module in row] for row in modules]
