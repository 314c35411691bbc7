"""A browser sends our cookies whoever's page opens a socket: only our own pages may."""

from typing import Any

import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from tests.factories import funded_user
from tests.faults.site import Web
from tests.patience import PATIENCE_S
from tests.sockets.browser import session_of, sign_in

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("books")]

REFUSED = {400, 403}


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{port}0",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil.example",
        "http://evil.example:{port}",
        "http://www.127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}@evil.example",
        "http://evil.example/127.0.0.1:{port}",
        "http://127.0.0.1:{port}/page",
        "http://127.0.0.1:{port}?x",
        "http://127.0.0.1:{port}#x",
        "https://127.0.0.1:{port}/",
        "file://127.0.0.1:{port}",
        "chrome-extension://127.0.0.1:{port}",
        "127.0.0.1:{port}",
        "//127.0.0.1:{port}",
        "http://127.0.0.1:{port} http://evil.example",
        "http://\u0661\u0662\u0667.0.0.1:{port}",
    ],
)
def test_a_page_from_elsewhere_is_refused(web: Web, origin: str | None) -> None:
    session = session_of(sign_in(funded_user("10")))
    headers = [("Cookie", f"sessionid={session}")]
    if origin is not None:
        sent = origin.format(port=web.port)
        headers.append(("Origin", sent.encode().decode("latin-1")))

    address = f"ws://127.0.0.1:{web.port}/ws/markets/?m=1"
    with (
        pytest.raises(InvalidHandshake) as refusal,
        connect(address, additional_headers=headers, open_timeout=PATIENCE_S, proxy=None),
    ):
        pass

    assert isinstance(refusal.value, InvalidStatus)
    assert refusal.value.response.status_code in REFUSED


def test_our_own_page_is_let_in(web: Web) -> None:
    address = f"ws://127.0.0.1:{web.port}/ws/markets/?m=1"
    for scheme in ("http", "HTTP"):
        ours: Any = f"{scheme}://127.0.0.1:{web.port}"
        with connect(address, origin=ours, open_timeout=PATIENCE_S, proxy=None) as socket:
            assert "snapshot" in str(socket.recv(5))


def test_no_other_address_takes_a_socket(web: Web) -> None:
    for path in ("/", "/ws/", "/ws/markets", "/ws/markets/x/", "/api/v1/markets/", "/admin/"):
        ours: Any = f"http://127.0.0.1:{web.port}"
        address = f"ws://127.0.0.1:{web.port}{path}"
        with (
            pytest.raises(InvalidHandshake),
            connect(address, origin=ours, open_timeout=PATIENCE_S, proxy=None),
        ):
            pass
