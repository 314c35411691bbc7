"""A session in real browsers: set up, joined, traded through two rounds, ranked, replayed."""

import csv
import io
import re
import time
from itertools import product
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from exchange import clock, figures
from exchange.models import Market, OutcomeOrder, Session, User
from exchange.selectors.outcome import configs
from tests.browser.looks import AXE, JUDGE, OVERHANG
from tests.browser.people import NewContext, complaints, sign_in
from tests.browser.robots import robots, trading
from tests.browser.test_looks import SHIFTS
from tests.factories import ask, host_user, joined, open_session, running_session, usdc
from tests.patience import PATIENCE_S

CROWD = 17
PHONE = {"width": 390, "height": 844}
LONG: dict[str, Any] = {"total_duration_ms": "3600000", "batch_ms": "500"}


def _set_up(page: Page, site: str) -> None:
    """Fill the form badly, read what is wrong at the field, mend it, try it, keep it."""
    page.goto(f"{site}/sessions/")
    page.get_by_role("link", name="Host a session").click()
    page.get_by_role("link", name="Knock-out").click()
    page.get_by_label("Name", exact=True).fill("Cup final")
    page.get_by_label("Lasts").fill("0.8")
    page.get_by_label("One batch every").fill("0.5")
    page.get_by_label("Trade fee").fill("7")
    for number, (at, freeze, who) in enumerate((("0.4", "1", "Ash"), ("0.6", "1", "Birch"))):
        page.locator(f"#id_round_{number}_at").fill(at)
        page.locator(f"#id_round_{number}_freeze").fill(freeze)
        page.locator(f"#id_round_{number}_outcomes").fill(who)
    page.get_by_label("Resolve by itself").select_option("Cedar wins")
    page.get_by_role("button", name="Keep as draft").click()
    expect(page.locator("#wrong_f")).to_have_text("From 0 to 5 %.")
    page.get_by_label("Trade fee").fill("1")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="A try with chance traders")).to_be_visible()
    drawn = page.locator(".tried polyline")
    expect(drawn).to_have_count(8)  # five chances, risk and result, volume
    expect(drawn.first).to_have_attribute("points", re.compile(r"(\d\S* ){15}"))
    page.get_by_role("button", name="Keep as draft").click()
    page.get_by_role("button", name="Open the lobby").click()
    expect(page.get_by_role("img", name="QR code of the link to join")).to_be_visible()


def _join(page: Page, link: str, name: str) -> None:
    page.goto(link)
    page.get_by_label("Your name in this session").fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text(f"You are in, as {name}.")).to_be_visible()


def _buy(page: Page, size: str) -> None:
    page.get_by_role("link", name="YES of Cedar").click()
    page.get_by_label("How many tokens").fill(size)
    page.get_by_label("Maximum slippage").fill("200")
    page.get_by_role("button", name=f"Buy {size} YES of Cedar").click()
    toast = page.locator(".toast").first
    expect(toast).to_contain_text("Filled")
    expect(page.get_by_label("Positions")).to_contain_text(f"{size} YES")


def _buy_and_sell_on_a_phone(page: Page) -> None:
    page.get_by_role("link", name="NO of Cedar").click()
    sheet = page.get_by_role("dialog", name="Ticket")
    sheet.get_by_label("How many tokens").fill("10")
    sheet.get_by_label("Maximum slippage").fill("200")
    sheet.get_by_role("button", name="Buy 10 NO of Cedar").click()
    positions = page.get_by_label("Positions")
    expect(positions).to_contain_text("10 NO")
    positions.get_by_role("link", name="Sell NO of Cedar").click()
    sheet.get_by_role("button", name="Sell 10 NO of Cedar").click()
    expect(positions).to_contain_text("Nothing yet")


def _rest_and_cancel(page: Page) -> None:
    page.get_by_label("Outcome", exact=True).select_option(label=" Cedar")
    page.get_by_text("Limit", exact=True).click()
    page.get_by_label("How many tokens").fill("10")
    page.get_by_label("Limit, USDC a token").fill("0.02")
    page.get_by_role("button", name="Buy 10 YES of Cedar at 0.02").click()
    orders = page.get_by_label("Open orders")
    expect(orders).to_contain_text("Buy 10 YES")
    orders.get_by_role("button", name="Cancel").click()
    expect(orders).to_contain_text("No order rests")


@pytest.mark.timeout(300)
def test_twenty_play_a_session_to_its_end(site: str, page: Page, new_context: NewContext) -> None:
    host = host_user()
    sign_in(page.context, site, host)
    heard = complaints(page)
    _set_up(page, site)
    session = Session.objects.get()
    link = page.locator("[data-copy-source]").get_attribute("href") or ""
    ann, ben = new_context().new_page(), new_context(viewport=PHONE).new_page()
    heard_too = complaints(ann)
    _join(ann, link, "Ann")
    _join(ben, link, "Ben")
    crowd = robots(site, session, CROWD)
    expect(page.locator("#session-people")).to_contain_text("Robot 16")
    expect(page.locator("#session-people h2")).to_contain_text("19")

    page.get_by_role("button", name="Start").click()
    expect(ann.locator("#session-head .badge").first).to_have_text("Trading")
    with trading(crowd, outcomes=3):
        _buy(ann, "20")
        _buy_and_sell_on_a_phone(ben)
        _rest_and_cancel(ann)
        for gone in ("Ash", "Birch"):
            row = ann.locator(f".outcome-row[data-name={gone}]")
            expect(row).to_contain_text("Out")
            expect(ann.locator(".connection").first).to_have_attribute("data-state", "live")
        for each in (ann, ben, page):
            if each is page:
                page.goto(link)
            expect(each.get_by_label("Result", exact=True)).to_contain_text("Cedar")

    session.refresh_from_db()
    assert session.market.status == Market.Status.RESOLVED
    lines = ann.locator(".ranking tbody tr")
    expect(lines).to_have_count(CROWD + 2)
    expect(ann.locator(".ranking .is-me")).to_contain_text("Ann")
    _everybody_traded(session)
    _totals_agree(ann, site, session)
    _replay(ann)
    # The host's first form was refused, as it should be; a page that moves on drops its requests.
    expected = ("422", "htmx:")
    assert [w for w in heard + heard_too if not any(word in w for word in expected)] == []


def _everybody_traded(session: Session) -> None:
    """Each robot had executions; between them buys and sells of YES and of NO, and limits."""
    rows = OutcomeOrder.objects.filter(market_id=session.pk, amount_micro__gt=0)
    names = dict(session.participants.values_list("user_id", "name"))
    traded = {names[user] for user in rows.values_list("user_id", flat=True)}
    assert traded == {"Ann", "Ben", *(f"Robot {n}" for n in range(CROWD))}
    by_robots = [row for row in rows if names[row.user_id].startswith("Robot")]
    assert {(row.buys, row.token & 1) for row in by_robots} == set(product((True, False), (0, 1)))
    assert any(row.price_micro is not None for row in by_robots)


def _totals_agree(page: Page, site: str, session: Session) -> None:
    """The page, the API and the file have the same ranking, and nothing was lost between them."""
    place = f"{site}/api/v1/sessions/{session.code}"
    told = page.request.get(f"{place}/ranking/").json()["results"]
    table = page.request.get(f"{place}/exports/ranking.csv").text()
    filed = list(csv.DictReader(io.StringIO(table)))
    assert [(r["name"], r["final USDC"], r["gas USDC"]) for r in filed] == [
        (r["name"], r["final"], r["gas"]) for r in told
    ]
    lines = page.locator(".ranking tbody tr")
    for number, row in enumerate(told):
        expect(lines.nth(number)).to_contain_text(row["name"])
        expect(lines.nth(number)).to_contain_text(figures.usdc(usdc(row["final"])))
    config = configs.config_of(session.market.config)
    everything = sum(usdc(row["final"]) + usdc(row["gas"]) for row in told)
    made = (session.maker_micro or 0) - config.z_micro
    assert everything + made == len(told) * config.starting_balance_micro


def _replay(page: Page) -> None:
    """Drag the scrubber back, see another moment, and save the graph as a picture."""
    page.locator("#id_tick").fill("12")
    expect(page.locator("#moment")).to_contain_text("After tick 12")
    expect(page.locator("[data-session-chart]")).to_have_attribute("data-state", "ready")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="PNG").click()
    assert waiting.value.suggested_filename == "Cup final.png"
    with Image.open(waiting.value.path()) as picture:
        assert picture.width > 300
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10


def test_an_order_needs_no_scripts(site: str, new_context: NewContext) -> None:
    session = running_session(name="Cup", **LONG)
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}/sessions/{session.code}/")
    page.get_by_label("Your name in this session").fill("Plain")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="NO of Bee").click()
    page.get_by_label("How many tokens").fill("5")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Balance after")).to_be_visible()
    page.get_by_role("button", name="Buy 5 NO of Bee").click()
    # the batch may have come before the page did
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        re.compile("waits for batch|Filled")
    )
    deadline = clock.monotonic() + PATIENCE_S
    while clock.monotonic() < deadline and "Filled" not in page.inner_text("h1"):
        page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text("Filled")
    page.get_by_role("link", name="Back to Cup").click()
    expect(page.get_by_label("Positions")).to_contain_text("5 NO")


def test_the_button_says_why_it_is_off(site: str, page: Page) -> None:
    session = running_session(starting_balance="20", **LONG)
    page.goto(f"{site}/sessions/{session.code}/")
    page.get_by_label("Your name in this session").fill("Poor")
    page.get_by_role("button", name="Join").click()
    page.get_by_label("How many tokens").fill("40")
    page.get_by_label("Maximum slippage").fill("90")
    button = page.locator("[data-reason]")
    expect(button).to_contain_text("Need ")
    expect(button).to_be_disabled()

    page.get_by_label("How many tokens").fill("30")
    page.get_by_label("Maximum slippage").fill("0")

    expect(button).to_contain_text("> your maximum 0 %")


@pytest.mark.parametrize("size", [None, PHONE])
def test_max_buys_and_sells_all(
    site: str, new_context: NewContext, size: dict[str, int] | None
) -> None:
    session = running_session(starting_balance="20", **LONG)
    page = new_context(viewport=size).new_page() if size else new_context().new_page()
    page.goto(f"{site}/sessions/{session.code}/")
    page.get_by_label("Your name in this session").fill("Max")
    page.get_by_role("button", name="Join").click()
    if size:
        page.locator("[data-bar='0']").click()
    page.get_by_label("Maximum slippage").fill("500")
    field = page.get_by_label("How many tokens")
    page.get_by_role("button", name="50").click()
    expect(field).to_have_value(re.compile(r"^1\d(\.\d+)?$"))
    field.blur()
    page.keyboard.press("m")
    expect(field).to_have_value(re.compile(r"^[23]\d(\.\d+)?$"))
    most = field.input_value()
    page.get_by_role("button", name=f"Buy {most} YES of Ant").press("Enter")
    expect(page.locator(".toast").first).to_contain_text("Filled")
    page.get_by_label("Positions").get_by_role("link", name="Sell").click()

    expect(field).to_have_value(most)
    page.get_by_role("button", name="25", exact=False).first.press("Space")
    expect(field).not_to_have_value(most)
    page.get_by_role("button", name="Max").press("Enter")
    expect(field).to_have_value(most)
    expect(page.locator("[data-confirm], [data-reason]").first).to_contain_text("Sell")


def test_the_keyboard_alone_places_an_order(site: str, page: Page) -> None:
    session = running_session(outcomes=10, **LONG)
    page.goto(f"{site}/sessions/{session.code}/")
    page.get_by_label("Your name in this session").fill("Keys")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Positions")).to_be_visible()
    for key in ("0", "n", "b"):
        page.keyboard.press(key)
    expect(page.locator("#id_size")).to_be_focused()
    page.keyboard.type("12")
    confirm = page.get_by_role("button", name="Buy 12 NO of Jay")
    expect(confirm).to_be_visible()
    steps = 0
    while not confirm.evaluate("button => button === document.activeElement"):
        page.keyboard.press("Tab")
        assert (steps := steps + 1) < 12
    page.wait_for_timeout(800)

    expect(page.locator("#preview :focus")).to_have_text(re.compile("Buy 12|Refresh"))
    while "Refresh" in page.locator("#preview :focus").inner_text():  # the machine was too slow
        page.keyboard.press("Enter")
        expect(page.locator("#preview :focus")).to_contain_text("Buy 12")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").first).to_contain_text("Filled")
    expect(page.get_by_label("Positions")).to_contain_text("12 NO")


def test_the_keyboard_stays_where_it_was_when_an_estimate_ages(site: str, page: Page) -> None:
    session = running_session(**LONG)
    page.goto(f"{site}/sessions/{session.code}/")
    page.get_by_label("Your name in this session").fill("Late")
    page.keyboard.press("Enter")
    page.get_by_label("How many tokens").fill("5")
    confirm = page.get_by_role("button", name="Buy 5 YES of Ant")
    confirm.focus()

    again = page.get_by_role("button", name="Refresh the estimate")
    expect(again).to_be_focused()
    page.keyboard.press("Enter")

    expect(confirm).to_be_focused()
    expect(again).to_be_hidden()


def test_an_estimate_that_got_lost_comes_later(site: str, page: Page) -> None:
    session = running_session(**LONG)
    page.goto(f"{site}/sessions/{session.code}/")
    page.get_by_label("Your name in this session").fill("Lost")
    page.get_by_role("button", name="Join").click()
    page.get_by_label("How many tokens").fill("5")
    confirm = page.get_by_role("button", name="Buy 5 YES of Ant")
    expect(confirm).to_be_visible()
    page.route("**/preview/", lambda route: route.abort())
    page.get_by_label("How many tokens").fill("6")

    expect(page.get_by_text("No estimate came")).to_be_visible()
    expect(confirm).to_be_hidden()
    page.unroute("**/preview/")
    expect(page.get_by_role("button", name="Buy 6 YES of Ant")).to_be_visible()
    expect(page.get_by_text("No estimate came")).to_have_count(0)


def test_nothing_jumps_when_a_batch_arrives(site: str, page: Page) -> None:
    session = running_session(**LONG)
    crowd = [joined(session, f"Robot {n}") for n in range(3)]
    for who in crowd:
        ask(who, "buy", "0y", "20")
        ask(who, "buy", "0n", "5", price="0.3")
    page.goto(f"{site}/sessions/{session.code}/?outcome=0")
    expect(page.locator(".connection").first).to_have_attribute("data-state", "live")
    chance = page.locator('[data-chance="0"]')
    expect(chance).not_to_have_text("50.0\u202f%")
    page.wait_for_timeout(2_500)
    page.evaluate(SHIFTS)
    spark = page.locator('[data-outcome="0"] .outcome-spark polyline')
    drawn = str(spark.get_attribute("points"))

    for number, who in enumerate(crowd):
        before = chance.inner_text()
        ask(who, "buy", "0y", "30")
        ask(who, "buy", "1n", "5", price=f"0.{20 + number}")
        expect(chance).not_to_have_text(before)
    # The small line moves with the batches, and ends at the highest price there was.
    expect(spark).not_to_have_attribute("points", drawn)
    expect(spark).to_have_attribute("points", re.compile(r" 100\.0,2\.0$"))
    page.wait_for_timeout(600)

    assert page.evaluate("window.shifted ?? 0") < 0.05


@pytest.mark.parametrize("width", [320, 800])
def test_narrow_and_middling_widths_fit(site: str, new_context: NewContext, width: int) -> None:
    host = host_user()
    session = running_session(
        host, outcomes=10, name="A very long name of a session indeed", **LONG
    )
    context = new_context(viewport={"width": width, "height": 800})
    sign_in(context, site, host)
    page = context.new_page()
    for address in ("", "host/", "../new/", "../"):
        page.goto(f"{site}/sessions/{session.code}/{address}")

        assert page.evaluate(OVERHANG) <= 0, address


def _pages(host: User) -> dict[str, list[str]]:
    """Return the pages of every state: the host's, and those of everybody."""
    live = running_session(host, name="Live", **LONG)
    lobby = open_session(host, name="Lobby")
    over = running_session(
        host, name="Over", total_duration_ms="2000", batch_ms="500", planned_winner=1
    )
    for session in (live, over):
        who = joined(session, "Zed")
        ask(who, "buy", "0y", "20")
        ask(who, "buy", "1n", "10", price="0.3")
    deadline = clock.monotonic() + PATIENCE_S
    while Market.objects.get(pk=over.pk).status != Market.Status.RESOLVED:
        assert clock.monotonic() < deadline, "the session did not end"
        time.sleep(0.2)
    open_pages = [f"/sessions/{s.code}/" for s in (live, lobby, over)]
    return {
        "all": ["/sessions/", *open_pages, f"{open_pages[0]}?outcome=1&token=no&size=20"],
        "host": ["/sessions/new/", *(f"/sessions/{s.code}/host/" for s in (live, lobby, over))],
    }


@pytest.mark.timeout(180)
def test_session_pages_are_accessible_and_fit(site: str, new_context: NewContext) -> None:
    host = host_user()
    pages = _pages(host)
    found: dict[tuple[str, str], list[str]] = {}
    wider: list[tuple[int, str]] = []

    for theme, width in (("light", 1280), ("dark", 390)):
        context: BrowserContext = new_context(
            color_scheme=theme, viewport={"width": width, "height": 844}
        )
        context.add_init_script(path=AXE)
        page = context.new_page()
        for address in (*pages["all"], *pages["host"]):
            if address == pages["host"][0]:
                sign_in(context, site, host)
            page.goto(f"{site}{address}")
            page.wait_for_load_state("networkidle")
            if violations := page.evaluate(JUDGE):
                found[theme, address.partition("?")[0]] = violations
            if page.evaluate(OVERHANG) > 0:
                wider.append((width, address))

    assert found == {}
    assert wider == []
