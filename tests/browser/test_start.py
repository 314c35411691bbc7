from playwright.sync_api import ConsoleMessage, Page, expect


def test_the_first_page_opens_under_the_content_policy(site: str, page: Page) -> None:
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", hear)
    page.goto(f"{site}/")

    expect(page.locator("main")).to_be_visible()
    assert complaints == []
