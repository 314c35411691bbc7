"""What tests of sockets share: a live web process, and books that add up after all."""

from collections.abc import Callable, Iterator

import pytest

from exchange.services import outbox
from tests.faults.conftest import books, chance  # noqa: F401
from tests.faults.site import Web
from tests.faults.stage import _web, web  # noqa: F401
from tests.sockets.browser import Browser
from tests.stillness import still_clock  # noqa: F401

Open = Callable[..., Browser]


@pytest.fixture
def browse(web: Web) -> Iterator[Open]:  # noqa: F811
    """Return a function that opens a socket as a browser does; all are closed at the end."""
    opened: list[Browser] = []

    def open_(*markets: int, session: str = "", **options: str) -> Browser:
        opened.append(Browser(web.port, markets, session=session, **options))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def publish() -> Callable[[], int]:
    """Return what carries all waiting news to the browsers, as the clock process would."""
    return lambda: outbox.publish(outbox.client())
