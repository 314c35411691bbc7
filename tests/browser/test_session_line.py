"""The line of a session's page in a real browser: lost answers, lost ticks, an old page."""

import json
from typing import Any

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from exchange import clock
from exchange.models import Command
from tests.factories import ask, joined, running_session
from tests.patience import PATIENCE_S

LONG: dict[str, Any] = {"total_duration_ms": "3600000", "batch_ms": "500"}
STALE_MS = 13_000


class Line:
    """Stands between the page and the site's socket: passes frames, drops some, or is silent."""

    def __init__(self, page: Page) -> None:
        self.drops = 0
        self.is_silent = False
        page.route_web_socket("**/ws/sessions/**", self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def hear(message: str | bytes) -> None:
            is_tick = json.loads(message)["type"] == "tick"
            if is_tick and self.drops:
                self.drops -= 1
            elif not self.is_silent:
                socket.send(message)

        server.on_message(hear)


def _open(page: Page, site: str, name: str = "") -> tuple[Any, Any]:
    session = running_session(**LONG)
    page.goto(f"{site}/sessions/{session.code}/?outcome=0")
    if name:
        page.get_by_label("Your name in this session").fill(name)
        page.get_by_role("button", name="Join").click()
    badge = page.locator(".connection").first
    expect(badge).to_have_attribute("data-state", "live")
    return session, badge


def test_an_order_whose_answer_got_lost_acts_once(site: str, page: Page) -> None:
    session, _ = _open(page, site, "Lost")
    page.get_by_label("How many tokens").fill("5")
    confirm = page.get_by_role("button", name="Buy 5 YES of Ant")
    expect(confirm).to_be_visible()
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort()

    page.route("**/orders/", lose)
    confirm.click()

    expect(page.get_by_text("We are checking.")).to_be_visible()
    expect(page.locator(".toast").first).to_contain_text("Filled")
    assert lost == [200]
    assert Command.objects.filter(market_id=session.pk, kind="order").count() == 1


def test_a_tick_that_got_lost_is_asked_for(site: str, page: Page) -> None:
    line = Line(page)
    session, _ = _open(page, site)
    robot = joined(session, "Robot")
    trades = page.locator("#session-trades tbody tr")
    ask(robot, "buy", "0y", "3")
    expect(trades).to_have_count(1)

    line.drops = 1
    ask(robot, "buy", "1y", "4")
    deadline = clock.monotonic() + PATIENCE_S
    while line.drops:
        assert clock.monotonic() < deadline, "no tick came"
        page.wait_for_timeout(100)
    expect(trades).to_have_count(1)
    ask(robot, "buy", "2y", "5")

    expect(trades).to_have_count(3)
    expect(trades.nth(1)).to_contain_text("Bee")


def test_a_silent_line_is_stale_and_then_live_again(site: str, page: Page) -> None:
    page.clock.install()
    line = Line(page)
    session, badge = _open(page, site)
    chance = page.locator("[data-chance='0']")
    before = chance.inner_text()

    line.is_silent = True
    ask(joined(session, "Robot"), "buy", "0y", "40")
    page.clock.fast_forward(STALE_MS)
    expect(badge).to_have_attribute("data-state", "stale")
    expect(badge).to_contain_text("Stale, 1")  # and how many seconds old
    expect(chance).to_have_text(before)
    expect(chance).to_have_css("opacity", "0.55")

    line.is_silent = False
    page.clock.fast_forward(STALE_MS)
    expect(badge).to_have_attribute("data-state", "live")
    expect(chance).not_to_have_text(before)
    expect(chance).to_have_css("opacity", "1")


def test_who_was_offline_catches_up(site: str, page: Page) -> None:
    session, badge = _open(page, site)
    page.context.set_offline(True)
    expect(badge).to_have_attribute("data-state", "reconnecting")
    ask(joined(session, "Robot"), "buy", "0y", "7")

    page.context.set_offline(False)

    expect(badge).to_have_attribute("data-state", "live")
    expect(page.locator("#session-trades tbody tr")).to_have_count(1)
