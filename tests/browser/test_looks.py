"""What every page keeps: accessible in both themes, no sideways scroll, nothing that jumps."""

import pytest
from playwright.sync_api import Page, expect

from exchange.ids import public_id
from exchange.models import Command, Fill, User
from tests.browser.looks import AXE, faults_of
from tests.browser.people import NewContext, complaints, sign_in
from tests.factories import (
    active_market,
    buy,
    command,
    contribute,
    funded_user,
    open_market,
    oracle_moves,
    short,
)

OPEN = ("/", "/markets/wheat-price/?side=buy&quantity=20", "/markets/new-idea/", "/help/")
OWN = ("/portfolio/", "/account/", "/accounts/2fa/", "/accounts/sessions/", "/preferences/")
TABS = ("/markets/wheat-price/?tab=rules", "/markets/wheat-price/?tab=pool")
ENTRANCES = ("/accounts/login/", "/accounts/signup/", "/nothing-here/")
SHIFTS = """() => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({type: "layout-shift", buffered: false})"""


# What a trader with a short, waiting orders and a liquidation behind them sees.
BUSY = (
    "/markets/rye-price/?type=limit&side=sell&mode=shares&quantity=2&price=16",
    "/markets/rye-price/?type=protect&stop=30&target=5",
    "/markets/rye-price/?type=exit&quantity=1&chunks=2&every=5",
    "/markets/rye-price/?tab=fills",
    "/portfolio/?tab=fills",
)


def _world() -> User:
    """Return a trader who has everything, in markets where everything has happened."""
    alice = funded_user("2000", display_name="Alice")
    market = active_market("wheat-price")
    buy(alice, market, "50")
    contribute(alice, open_market("new-idea"), "100")
    rye = active_market("rye-price", m_open="0.5", day_max="1", beta="1")
    short(alice, rye, "20")
    oracle_moves(rye, 30, times=6)
    command(alice, rye, "limit", intent="close_short", shares_nano=10**9, price_pico=9 * 10**12)
    command(alice, rye, "timed_exit", shares_nano=10**9, chunks=2, interval_s=600)
    command(alice, market, "limit", intent="open_long", shares_nano=10**9, price_pico=9 * 10**12)
    return alice


def _busy(alice: User) -> tuple[str, ...]:
    fill = Fill.objects.filter(user=alice, leg="liquidation").earliest("id")
    orders = [
        Command.objects.filter(user=alice, kind=kind).earliest("id")
        for kind in ("sell", "limit", "timed_exit")
    ]
    receipts = (f"/orders/{public_id('ord', order.pk)}/" for order in orders)
    return (*BUSY, f"/fills/{public_id('fil', fill.pk)}/", *receipts)


@pytest.mark.timeout(300)
def test_every_page_is_accessible_in_both_themes_and_fits(
    site: str, new_context: NewContext
) -> None:
    alice = _world()
    reader = funded_user("100")
    busy = _busy(alice)
    context = new_context()
    context.add_init_script(path=AXE)
    page = context.new_page()
    heard = complaints(page)
    found = {}

    for address in (*OPEN, *TABS, *ENTRANCES, *OWN, *busy):
        if address in {OWN[0], busy[0]}:
            sign_in(context, site, reader if address == OWN[0] else alice)
        if faults := faults_of(page, f"{site}{address}"):
            found[address] = faults

    assert found == {}
    assert [words for words in heard if "404" not in words] == []


def test_nothing_jumps_when_ticks_arrive(site: str, page: Page) -> None:
    alice, market = funded_user("1000"), active_market("wheat-price")
    buy(alice, market, "5")
    page.goto(f"{site}/markets/wheat-price/")
    expect(page.locator("[data-chart]")).to_have_attribute("data-state", "ready")
    expect(page.locator(".market-head .connection")).to_have_attribute("data-state", "live")
    page.wait_for_load_state("networkidle")
    page.evaluate(SHIFTS)
    headline = page.locator(".strip [data-live='display']")

    for amount in ("20", "30", "40"):
        before = headline.inner_text()
        buy(alice, market, amount)
        expect(headline).not_to_have_text(before)
    page.wait_for_timeout(2_500)

    assert page.evaluate("window.shifted ?? 0") < 0.05


def test_the_theme_is_chosen_without_a_flash(site: str, page: Page) -> None:
    page.goto(f"{site}/help/")
    page.locator("summary", has_text="Theme").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    answer = page.goto(f"{site}/help/")

    assert answer is not None
    assert 'data-theme="dark"' in answer.text()
