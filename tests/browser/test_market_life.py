"""A market's life in real browsers: proposed, approved, funded, traded, and left by a provider."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from exchange import clock
from exchange.models import Market, RestingOrder, Stake, User
from exchange.selectors import portfolio
from exchange.selectors.configs import config_of
from exchange.services import markets
from oracle.services import cards, specs
from tests.browser.looks import AXE, faults_of
from tests.browser.people import NewContext, complaints, sign_in
from tests.factories import (
    active_market,
    buy,
    contribute,
    funded_user,
    open_market,
    oracle_moves,
    usdc,
)
from tests.liquidity import proposals
from tests.liquidity.proposals import proposed
from tests.oracle import world

NAME = "Rain in Lima"
POOL = "/liquidity/rain-in-lima/"
PHONE = {"width": 390, "height": 844}
MONTH_S = 31 * 86_400
HOUR = timedelta(hours=1)


def _browser(new_context: NewContext, site: str, user: User) -> Page:
    context: BrowserContext = new_context()
    sign_in(context, site, user)
    return context.new_page()


def _propose(page: Page, site: str) -> None:
    """Fill the form badly, read what is wrong, mend it, and send it."""
    words, brief = proposals.words(NAME), proposals.brief(NAME)
    page.goto(f"{site}/liquidity/")
    page.get_by_role("link", name="Propose a market").first.click()
    for label, text in (
        ("Name", words["name"]),
        ("Ticker", words["ticker"]),
        ("Topic", "Weather"),
        ("One share is", "USDC"),
        ("What does a rise mean?", words["question"]),
        ("Summary", words["summary"]),
        ("Rules", words["rules"]),
        ("Searches", "\n".join(brief["queries"])),
        ("Words for a rise", "wetter"),
        ("Words for a fall", "drier"),
        ("Sources", brief["sources"]),
        ("Goal", "1000"),
        ("Your first contribution", "250"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("The unit says per what")
    page.get_by_label("One share is").fill(words["unit"])
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is missing.")
    page.get_by_role("button", name="Send and set the stake aside").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    expect(page.get_by_text("250.00 USDC are set aside.")).to_be_visible()


def _approve(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/liquidity/marketrequest/")
    page.get_by_role("link", name=NAME).click()
    expect(page.get_by_text("The linter says")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    page.get_by_label("Reason").fill("well specified and new")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text(f"Approve: request “{NAME}”")).to_be_visible()


def _follow(folder: Path, settings: Any) -> None:
    """Give the market's oracle what to read, a card over that past, and let it be followed."""
    settings.ORACLE_ARCHIVE_DIRS = [str(folder)]
    market, now = Market.objects.get(slug="rain-in-lima"), clock.now()
    rows = [world.news(f"{world.GOOD} {n}", at=now - n * HOUR) for n in range(1, 9)]
    names = [f"wire-{n}" for n in range(config_of(market.config).quorum)]
    for name in names:
        world.archive(folder, name, *rows)
    panel = [{"seat": name, "reader": "lexicon", "sources": [name]} for name in names]
    fields = world.spec_fields(*names, panel=panel, quorum=len(panel))
    spec = specs.spec_save(market_id=market.pk, fields=fields)
    period: dict[str, Any] = {
        "start": now - 7 * HOUR,
        "end": now,
        "step_s": 3_600,
        "horizon_s": 3_600,
    }
    cards.card_make(market_id=market.pk, spec=spec, **period)
    specs.spec_follow(spec=spec)


def _contribute(page: Page, site: str, amount: str) -> None:
    """Type an amount, see what it brings without leaving the page, and put it in."""
    page.goto(f"{site}{POOL}")
    page.get_by_label("Amount, at least").fill(amount)
    expect(page.get_by_text("What could leave, and when")).to_be_visible()
    page.get_by_role("button", name=f"Contribute {amount}.00 USDC").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Contributed {amount}.00 USDC")


@pytest.mark.breaks_books
def test_from_proposal_to_a_provider_who_leaves(
    site: str, page: Page, new_context: NewContext, tmp_path: Path, settings: Any
) -> None:
    alice, bob, trader = (funded_user("1000") for _ in range(3))
    chief = funded_user("0", is_staff=True, is_superuser=True)
    sign_in(page.context, site, alice)
    _propose(page, site)
    _approve(_browser(new_context, site, chief), site)
    page.reload()
    expect(page.get_by_text("Receipt of the stake")).to_be_visible()

    funder = _browser(new_context, site, bob)
    funder.goto(f"{site}{POOL}")
    expect(funder.get_by_text("has its report card and is followed")).to_be_visible()
    _follow(tmp_path, settings)
    _contribute(funder, site, "700")
    _contribute(funder, site, "50")
    expect(funder.get_by_text("the market trades now")).to_be_visible()

    market = Market.objects.get(slug="rain-in-lima")
    ticket = _browser(new_context, site, trader)
    ticket.goto(f"{site}/markets/rain-in-lima/?side=buy&quantity=10")
    ticket.get_by_role("button", name="Buy for 10.00 USDC").click()
    expect(ticket.get_by_role("heading", level=1)).to_contain_text("Bought")

    page.goto(f"{site}{POOL}")
    page.get_by_role("button", name="of fees").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Claimed fees")
    _vest(market)
    page.goto(f"{site}{POOL}")
    page.get_by_role("button", name="All that may leave at once").click()
    page.get_by_role("button", name="Take out about").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Took out")
    assert portfolio.money(alice).cash_micro > usdc("780")
    _waits_and_returns(page, site, alice)


def _vest(market: Market) -> None:
    """Let a month pass for the units and for nobody else: the site's own clock stays.

    This writes the state past the books, so they are not examined afterwards.
    """
    state = market.live.state
    state["activated_s"] -= MONTH_S
    market.live.state = state
    market.live.save(update_fields=["state"])


def _waits_and_returns(page: Page, site: str, user: User) -> None:
    """Queue units, see the place and the date, and take them out of the queue again."""
    page.goto(f"{site}{POOL}")
    page.get_by_label("Units to take out").fill("20")
    page.get_by_role("button", name="Queue 20.0000 units").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queued 20.0000 units")
    page.goto(f"{site}{POOL}")
    expect(page.get_by_role("row").filter(has_text="20.0000")).to_contain_text("≈")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("out of the queue")).to_be_visible()
    assert RestingOrder.objects.get(user=user).status == "cancelled"
    assert Stake.objects.get(user=user).locked_nano == 0


def test_without_scripts_somebody_contributes(site: str, new_context: NewContext) -> None:
    bob = funded_user("1000")
    open_market("rain-in-lima", soft_cap="1000")
    context = new_context(java_script_enabled=False, viewport=PHONE)
    sign_in(context, site, bob)
    page = context.new_page()

    page.goto(f"{site}/liquidity/")
    page.get_by_role("link", name="Rain In Lima").click()
    page.get_by_label("Amount, at least").fill("100")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Contribute 100.00 USDC").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Contributed 100.00 USDC")
    assert Stake.objects.get(user=bob).units_nano == usdc("100") * 1000


def _world(alice: User) -> list[str]:
    """Fill the providers' pages, and return their addresses."""
    market, bob = active_market("wheat-price", pool="3000"), funded_user("1000")
    for user in (alice, bob):
        contribute(user, market, "200")
    buy(funded_user("100"), market, "40")
    oracle_moves(market, 3)
    contribute(alice, open_market("new-idea"), "100")
    request = proposed(alice)
    markets.refunds_due(clock.now_s())
    return [
        "/liquidity/",
        "/liquidity/wheat-price/?amount=100&units=50",
        "/liquidity/new-idea/?amount=50",
        "/liquidity/requests/",
        "/liquidity/requests/new/",
        f"/liquidity/requests/{request.public_id}/",
    ]


def test_every_page_is_accessible_in_both_themes_and_fits(
    site: str, new_context: NewContext
) -> None:
    alice = funded_user("2000")
    addresses = _world(alice)
    context = new_context()
    context.add_init_script(path=AXE)
    sign_in(context, site, alice)
    page = context.new_page()
    heard = complaints(page)

    found = {address: faults_of(page, f"{site}{address}") for address in addresses}

    assert {address: faults for address, faults in found.items() if faults} == {}
    assert heard == []
