"""From a stranger to somebody with play money, by way of the mail."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.patience import PATIENCE_S

PASSWORD = "a-long-enough-secret-4711"


def _link_in_mail(mailbox: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for letter in mailbox.iterdir():
            if found := re.search(r"https?://\S+/confirm-email/\S+", letter.read_text()):
                return found[0]
        time.sleep(0.05)
    pytest.fail("no letter with a link came")


def test_signs_up_confirms_and_gets_play_money(mailbox: Path, site: str, page: Page) -> None:
    page.goto(f"{site}/accounts/signup/")
    page.get_by_label("Email").fill("newcomer@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()

    page.goto(_link_in_mail(mailbox))
    page.get_by_role("button", name="Yes, confirm it").click()
    if page.get_by_role("heading", name="Sign in").is_visible():
        page.get_by_label("Email").fill("newcomer@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()

    menu = page.locator("summary", has_text="Account menu")
    expect(menu).to_contain_text("0.00")
    menu.click()
    page.get_by_role("button", name="Get 1\u202f000 demo USDC").click()
    expect(menu).to_contain_text("1\u202f000.00")
