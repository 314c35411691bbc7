import pytest
from pytest_django import Settings

from megatron.asgi import application
from megatron.origins import is_ours
from tests.sockets.visitor import Visitor

HOST = "megatron.example:8000"


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["megatron.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://desk.example"]


@pytest.mark.parametrize("origin", [f"http://{HOST}", f"https://{HOST}", "https://desk.example"])
def test_lets_our_own_pages_in(origin: str) -> None:
    assert is_ours(origin, HOST)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://megatron.example",
        "http://megatron.example:8001",
        "http://megatron.example:8000.evil.example",
        "http://sub.megatron.example:8000",
        "http://evil.example",
        "http://evil.example/megatron.example:8000",
        "http://megatron.example:8000@evil.example",
        f"http://{HOST}/",
        f"http://{HOST}?",
        f"http://{HOST}?x",
        f"http://{HOST}#",
        f"http://{HOST}#x",
        "ftp://megatron.example:8000",
        "http://m\u0435gatron.example:8000",
        "http://[megatron.example:8000",
    ],
)
def test_keeps_other_sites_out(origin: str) -> None:
    assert not is_ours(origin, HOST)


@pytest.mark.parametrize("host", ["", "evil.example", "megatron.example?x", "megatron.example/"])
def test_keeps_out_a_host_that_is_not_ours(host: str) -> None:
    assert not is_ours(f"http://{host}", host)


@pytest.mark.parametrize("headers", [[], [(b"origin", b"http://evil.example")]])
async def test_the_handshake_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    socket = Visitor(application, "/ws/markets/?m=1", headers=[(b"host", HOST.encode()), *headers])

    opened, _ = await socket.connect()

    assert not opened
