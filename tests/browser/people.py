"""Puts people in front of browsers: signed in, and heard when the page complains."""

from collections.abc import Callable

from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from exchange.models import User

# Playwright's own fixture: a further browser window, closed when the test ends.
NewContext = Callable[..., BrowserContext]


def sign_in(context: BrowserContext, site: str, user: User) -> None:
    """Give a browser the session of somebody who signed in."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])


def complaints(page: Page) -> list[str]:
    """Collect what the page reports as wrong, the content policy's reports included."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # The oracle's feed is a part of another app; where it is missing the page keeps its own.
        # htmx complains of a request that leaving the page cut off; of one that failed, the
        # browser does so itself.
        expected = "/oracle/" in message.text or message.text.startswith("htmx:")
        if message.type in {"error", "warning"} and not expected:
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard
