"""The life of a short as its owner sees it: opened, guarded, liquidated, each step explained."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from exchange.models import Fill, Market, Position, RestingOrder, User
from tests.browser.people import NewContext, complaints, sign_in
from tests.factories import active_market, buy, command, funded_user, oracle_moves, short

ADDRESS = "/markets/wheat-price/"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def alice(transactional_db: None) -> User:
    """Return the trader whose short it is."""
    return funded_user("1000", display_name="Alice")


def _market() -> Market:
    return active_market("wheat-price", m_open="0.5", day_max="1", beta="1")


def _open(page: Page, site: str, query: str = "") -> None:
    page.goto(f"{site}{ADDRESS}{query}")
    expect(page.locator(".market-head .connection")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-chart]")).to_have_attribute("data-state", "ready")


def _line_y(page: Page, kind: str) -> float:
    """Return where a line of the reader's own stands on the screen."""
    box = page.locator("[data-canvas]").bounding_box()
    assert box is not None
    offset = page.evaluate(
        """(kind) => {
          const chart = document.querySelector("[data-chart]").chartOfMarket;
          const line = chart.own.lines.find((each) => each.kind === kind);
          return line.series.priceToCoordinate(line.price);
        }""",
        kind,
    )
    return float(box["y"] + offset)


def _middle(page: Page) -> float:
    box = page.locator("[data-canvas]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * 0.4


def _ticket(page: Page) -> Locator:
    return page.locator("#ticket")


def test_a_short_is_opened_liquidated_and_explained(site: str, page: Page, alice: User) -> None:
    market = _market()
    wrong = complaints(page)
    sign_in(page.context, site, alice)
    _open(page, site)

    page.get_by_role("radio", name="Sell").check()
    page.get_by_role("radio", name=market.ticker).check()
    page.get_by_label("How much").fill("20")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Margin you put in")
    expect(preview.locator("[data-line='level']")).to_have_text(re.compile(r"1[0-9]\.\d{4}"))
    level = preview.locator("[data-line='level']").inner_text()
    page.get_by_role("button", name="Sell short for").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sold 20.0000")
    page.get_by_role("link", name="Back to Wheat Price").click()

    position = page.locator("#position")
    expect(position).to_contain_text("Short")
    expect(position).to_contain_text(level)
    expect(page.locator("[data-chart]")).to_have_attribute("data-own", "entry liquidation")
    expect(page.locator(".market-head .connection")).to_have_attribute("data-state", "live")
    page.evaluate("window.stayed = true")

    oracle_moves(market, 30, times=6)

    news = page.locator("#news")
    expect(news).to_contain_text("Liquidated: bought back")
    expect(position).not_to_contain_text("20.0000 short")
    expect(page.locator("#state")).to_contain_text("New positions pause")
    expect(page.locator("[data-chart]")).to_have_attribute("data-marks", re.compile("[2-9]"))
    assert page.evaluate("window.stayed")

    news.get_by_role("link", name="What happened, step by step").first.click()
    expect(page.get_by_role("heading", name="Which price crossed your level")).to_be_visible()
    expect(page.locator(".steps")).to_contain_text(level)
    expect(page.get_by_role("table")).to_contain_text("the liquidation fee")
    assert wrong == []


def test_collateral_moves_the_level_without_leaving(site: str, page: Page, alice: User) -> None:
    short(alice, _market(), "5")
    before = Position.objects.get(user=alice).escrow_micro
    sign_in(page.context, site, alice)
    _open(page, site)

    page.get_by_text("Add or take out collateral").click()
    page.get_by_label("Amount").fill("20")
    preview = page.locator("#collateral-preview")
    expect(preview).to_contain_text("→")
    preview.get_by_role("button", name="Add 20.00 USDC").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Collateral added")
    assert Position.objects.get(user=alice).escrow_micro == before + 20 * 10**6


def test_a_stop_is_dragged_and_only_confirming_sets_it(site: str, page: Page, alice: User) -> None:
    market = _market()
    buy(alice, market, "50")
    command(alice, market, "targets", stop_pico=95 * 10**11, target_pico=None)
    sign_in(page.context, site, alice)
    _open(page, site)
    expect(page.locator("[data-chart]")).to_have_attribute("data-own", "entry stop")
    x, y = _middle(page), _line_y(page, "stop")

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 12, steps=4)
    page.mouse.up()

    confirm = _ticket(page).get_by_role("button", name="Set a stop-loss at")
    expect(confirm).to_be_focused()
    expect(page.get_by_label("Stop-loss")).not_to_have_value("9.5")
    assert int(Position.objects.get(user=alice).stop_pico or 0) == 95 * 10**11
    confirm.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop and target set")
    assert int(Position.objects.get(user=alice).stop_pico or 0) < 95 * 10**11


def test_escape_gives_a_dragged_line_back(site: str, page: Page, alice: User) -> None:
    market = _market()
    buy(alice, market, "50")
    command(alice, market, "targets", stop_pico=95 * 10**11, target_pico=None)
    sign_in(page.context, site, alice)
    _open(page, site)
    x, y = _middle(page), _line_y(page, "stop")

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 20, steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()

    assert abs(_line_y(page, "stop") - y) < 1
    expect(page.locator("#preview form")).to_have_count(0)


def test_the_same_is_done_by_keyboard(site: str, page: Page, alice: User) -> None:
    buy(alice, _market(), "50")
    sign_in(page.context, site, alice)
    _open(page, site)

    page.get_by_role("link", name="Set stop and target").press("Enter")
    page.get_by_label("Stop-loss").fill("9.4")
    page.get_by_role("button", name="Set a stop-loss at 9.4000").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Stop and target set")


def test_orders_that_wait_are_taken_back_in_place(site: str, page: Page, alice: User) -> None:
    market = _market()
    for price in (94, 95):
        command(
            alice,
            market,
            "limit",
            intent="open_long",
            shares_nano=10**9,
            price_pico=price * 10**11,
        )
    sign_in(page.context, site, alice)
    _open(page, site)
    orders = page.locator("#open-orders")
    page.evaluate("window.stayed = true")

    orders.get_by_role("button", name="Cancel Buy, opening a long, 1.0000 at 9.5000").click()
    expect(orders).to_contain_text("USDC are free again")
    orders.get_by_role("button", name="Cancel all").click()
    expect(orders).to_contain_text("Nothing waits here")

    assert page.evaluate("window.stayed")
    assert not RestingOrder.objects.filter(user=alice, status="open").exists()


def test_on_a_phone_closing_opens_the_sheet(
    site: str, new_context: NewContext, alice: User
) -> None:
    short(alice, _market(), "5")
    context = new_context(viewport=PHONE, has_touch=True)
    sign_in(context, site, alice)
    page = context.new_page()
    _open(page, site)

    page.get_by_role("link", name="Close", exact=True).click()
    sheet = page.get_by_role("dialog", name="Ticket")
    expect(sheet).to_be_visible()
    expect(sheet.get_by_role("checkbox", name="Close only")).to_be_checked()
    sheet.get_by_role("button", name="Buy to close for").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought 5.0000")
    assert Position.objects.get(user=alice).shares_nano == 0
    assert Fill.objects.filter(user=alice, leg="cover_short").count() == 1


def test_a_short_can_be_opened_and_closed_without_scripts(
    site: str, new_context: NewContext, alice: User
) -> None:
    market = _market()
    context = new_context(java_script_enabled=False)
    sign_in(context, site, alice)
    page = context.new_page()

    page.goto(f"{site}{ADDRESS}")
    page.get_by_role("radio", name="Sell").check()
    page.get_by_role("radio", name=market.ticker).check()
    page.get_by_label("How much").fill("5")
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("button", name="Sell short for").click()
    page.get_by_role("link", name="Back to Wheat Price").click()
    page.get_by_role("link", name="Close", exact=True).click()
    page.get_by_role("button", name="Buy to close for").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought 5.0000")
