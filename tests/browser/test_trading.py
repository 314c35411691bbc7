"""Orders from a browser, and what other browsers see of them without being told to look again."""

from playwright.sync_api import Page, expect

from exchange.models import Command, Fill, User
from tests.browser.people import NewContext, complaints, sign_in
from tests.factories import active_market, buy, funded_user

ADDRESS = "/markets/wheat-price/"
PHONE = {"width": 390, "height": 844}


def _chart_is_drawn(page: Page) -> None:
    expect(page.locator("[data-chart]")).to_have_attribute("data-state", "ready")


def _is_live(page: Page) -> None:
    expect(page.locator(".market-head .connection")).to_have_attribute("data-state", "live")


def test_an_order_moves_price_and_chart_in_another_browser(
    site: str, page: Page, new_context: NewContext
) -> None:
    alice = funded_user("1000")
    buy(alice, active_market("wheat-price"), "5")
    watcher = new_context().new_page()
    wrong = [*complaints(page), *complaints(watcher)]
    watcher.goto(f"{site}{ADDRESS}")
    _chart_is_drawn(watcher)
    _is_live(watcher)
    headline = watcher.locator(".strip [data-live='display']")
    before = headline.inner_text()
    marked = watcher.evaluate("window.stayed = true")

    sign_in(page.context, site, alice)
    page.goto(f"{site}{ADDRESS}")
    page.get_by_role("button", name="100", exact=True).click()
    page.get_by_role("button", name="Buy for 100.00 USDC").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought 9.9")

    expect(headline).not_to_have_text(before)
    expect(watcher.locator("tbody[data-trades] tr").first).to_contain_text("99.50")
    assert int(watcher.locator("[data-chart]").get_attribute("data-ticks") or 0) >= 1
    assert marked
    assert watcher.evaluate("window.stayed")
    assert wrong == []


def test_my_cash_and_position_follow_an_order_from_elsewhere(site: str, page: Page) -> None:
    alice, market = funded_user("1000"), active_market("wheat-price")
    buy(alice, market, "5")
    sign_in(page.context, site, alice)
    page.goto(f"{site}{ADDRESS}")
    _is_live(page)

    buy(alice, market, "100")

    expect(page.locator(".header [data-live='cash']")).to_have_text("895.00")
    expect(page.locator("#position")).to_contain_text("Leaving now returns")
    expect(page.locator("#position")).to_contain_text("103.")


def test_an_answer_that_got_lost_is_found_under_its_key(site: str, page: Page) -> None:
    alice = funded_user("1000")
    active_market("wheat-price")
    sign_in(page.context, site, alice)
    page.goto(f"{site}{ADDRESS}?side=buy&quantity=50")
    confirm = page.get_by_role("button", name="Buy for 50.00 USDC")
    expect(confirm).to_be_visible()

    page.context.set_offline(True)
    confirm.click()
    expect(page.get_by_text("We are checking.")).to_be_visible()
    page.context.set_offline(False)

    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought")
    assert Fill.objects.filter(user=alice).count() == 1


def test_a_refusal_comes_back_into_the_ticket(site: str, page: Page) -> None:
    alice, market = funded_user("1000"), active_market("wheat-price")
    sign_in(page.context, site, alice)
    page.goto(f"{site}{ADDRESS}?side=buy&quantity=50&bound=0")
    confirm = page.get_by_role("button", name="Buy for 50.00 USDC")
    expect(confirm).to_be_visible()
    buy(funded_user("500"), market, "100")

    confirm.click()

    expect(page.get_by_role("alert")).to_contain_text("The price moved past the worst you accept")
    expect(page.get_by_label("How much")).to_have_value("50")
    page.get_by_role("button", name="Buy for 50.00 USDC").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought")


def test_a_wrong_figure_is_marked_until_it_is_right(site: str, page: Page) -> None:
    active_market("wheat-price")
    page.goto(f"{site}{ADDRESS}?type=limit&quantity=5")
    price = page.get_by_label("Limit price")

    price.fill("9" * 40)
    expect(page.get_by_role("alert")).to_contain_text("is not a price")
    expect(price).to_have_attribute("aria-invalid", "true")
    # However long the text that is quoted, it stays inside the ticket.
    assert page.get_by_role("alert").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    price.fill("9.5")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(price).not_to_have_attribute("aria-invalid", "true")


def test_a_quote_expires_into_a_refresh(site: str, page: Page) -> None:
    active_market("wheat-price")
    sign_in(page.context, site, funded_user("1000"))
    page.goto(f"{site}{ADDRESS}?side=buy&quantity=50")

    refresh = page.get_by_role("button", name="Refresh the quote")
    expect(refresh).to_be_visible()
    refresh.click()

    expect(page.get_by_role("button", name="Buy for 50.00 USDC")).to_be_visible()


def test_on_a_phone_the_ticket_is_a_sheet(site: str, new_context: NewContext) -> None:
    active_market("wheat-price")
    context = new_context(viewport=PHONE, has_touch=True)
    sign_in(context, site, funded_user("1000"))
    page = context.new_page()
    page.goto(f"{site}{ADDRESS}")
    opener = page.get_by_role("link", name="Buy")
    ticket = page.get_by_role("dialog", name="Ticket")

    opener.click()
    expect(ticket).to_be_visible()
    page.keyboard.press("Escape")
    expect(ticket).to_be_hidden()
    expect(opener).to_be_focused()

    opener.click()
    ticket.get_by_role("button", name="100", exact=True).click()
    ticket.get_by_role("button", name="Buy for 100.00 USDC").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought")


def test_without_scripts_an_order_can_be_placed(site: str, new_context: NewContext) -> None:
    alice: User = funded_user("1000")
    active_market("wheat-price")
    context = new_context(java_script_enabled=False)
    sign_in(context, site, alice)
    page = context.new_page()

    page.goto(f"{site}/")
    page.get_by_role("link", name="Wheat Price").click()
    page.get_by_label("How much").fill("25")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Buy for 25.00 USDC").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought 2.4")
    assert Command.objects.filter(user=alice, accepted=True).count() == 1


def test_keys_reach_ticket_and_chart(site: str, page: Page) -> None:
    alice = funded_user("1000")
    buy(alice, active_market("wheat-price"), "50")
    page.goto(f"{site}{ADDRESS}")
    _chart_is_drawn(page)

    page.keyboard.press("s")
    expect(page.get_by_label("How much")).to_be_focused()
    expect(page.get_by_role("radio", name="Sell")).to_be_checked()

    page.locator("[data-stage]").focus()
    page.keyboard.press("End")
    expect(page.locator("[data-spoken]")).to_contain_text("Headline 10.0")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[data-spoken]")).to_contain_text("Oracle view 10.0")
