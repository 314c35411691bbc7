"""The floor of a session in a real browser: ticks write at once what the server would."""

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from exchange.models import Participant, Session
from tests.browser.people import complaints
from tests.factories import ask, joined, running_session

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
