"""No way inside: spellings, disguises, redirects, proxies and names that change their mind.

A canary listens on loopback, and every connection that the oracle would make is written down. The
table beside the sources' own tests says what counts as public; this one lets each try to get in.
"""

import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

import pytest

from oracle.sources import addresses
from oracle.sources.base import SourceDown
from oracle.sources.http import RETRIES_MAX, Client
from tests.fakes.feed_server import BEHAVIOURS, Feed, serving

pytestmark = [pytest.mark.fault]

NAME, PUBLIC = "news.example", "93.184.216.34"

# Each names this machine or its neighbours to some resolver, or carries such an address inside.
NUMBERS = """
127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 017700000001 0177.0.0.1 0x7f.1
0x7f.0.0.0x1 00177.0.0.01 0 0.0.0.0 0x0 localhost 2852039166 0xa9fea9fe 0xa9.254.0251.0376
169.254.169.254 3232235521 0300.0250.1 10.1 167772161 100.100.100.200 192.168.1
""".split()  # noqa: SIM905 (a table is read by eye)
INSIDE = """
64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b:1::7f00:1 64:ff9b:1:: 2002:7f00:1:: 2002:808:808::
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:4:112::1
::8.8.8.8 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:0:127.0.0.1 ::ffff:0:7f00:1
0:0:0:0:0:ffff:7f00:1 fe80::5efe:7f00:1 fe80::a9fe:a9fe fe80::1%eth0 ::1%lo ::1 :: fc00:: fdff::
fd00:ec2::254 fd20:ce::254 fec0::1 ff02::1 ff0e::1 100::1 100:0:0:1::1 5f00::1 4000::1 8000::1
2001:db8:: 0.0.0.1 9.9.9.9.9 01.1.1.1 1.1.1.01 1.1.1 1.1.1.1. +1.1.1.1 1.1.1.1/32 [2606:4700::1111]
169.254.170.2 169.254.169.253 100.64.0.1 192.0.0.1 192.0.0.170 198.18.0.1 233.252.0.1 239.0.0.1
168.63.129.16 192.0.0.8 192.88.99.1 3fff::1 2001:470::5efe:7f00:1 2606:4700:4700::1111%eth0
247.1.1.1 255.255.255.254 255.255.255.255 172.16.0.1 172.31.255.255 10.255.255.255 192.168.255.255
""".split()  # noqa: SIM905 (likewise)
OUTSIDE = """
8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255
169.255.0.1 172.15.255.255 172.32.0.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
223.255.255.254 2606:4700:4700::1111 2a00:1450:4001::1 2003::1
""".split()  # noqa: SIM905 (likewise)

HOSTILE = [
    f"https://user@{NAME}/",
    f"https://user:secret@{NAME}/",
    f"https://@{NAME}/",
    f"https://:@{NAME}/",
    f"https://{NAME}@127.0.0.1/",
    f"https://{NAME}:443@127.0.0.1/",
    f"https://127.0.0.1\\@{NAME}/",
    f"https://{NAME}\\@127.0.0.1/",
    f"https://{NAME}%2e127.0.0.1/",
    f"https://{NAME}%00.x.example/",
    f"https://{NAME}\0/",
    f"https://{NAME}./",
    f"https://.{NAME}/",
    f"https://x.{NAME}/",
    f"https://{NAME}.x.example/",
    f"https://{NAME},x.example/",
    f"https://{NAME};x.example/",
    f"https://x.example/?{NAME}",
    f"https://x.example/#{NAME}",
    f"https://x.example#@{NAME}/",
    f"https://x.example?@{NAME}/",
    "https://n\u0435ws.example/",
    "https://new\u0455.example/",
    "https://\uff4eews.example/",
    "https://\u24dcews.example/",
    "https://news\u3002example/",
    "https://news.\u0435xample/",
    "https://xn--nws-bma.example/",
    f"https://[{NAME}]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::1%25lo]/",
    "https://[::1/",
    f"https://{NAME}:65536/",
    f"https://{NAME}:-1/",
    f"https://{NAME}:+80/",
    f"https://{NAME}:\uff18\uff10/",
    f"https://{NAME}:80:80/",
    f"https:{NAME}/",
    f"https:///{NAME}/",
    f"http:/{NAME}/",
    f"//{NAME}/",
    f"{NAME}/",
    "",
    "https://",
    *(
        f"{scheme}://{NAME}/"
        for scheme in (
            "file", "ftp", "gopher", "dict", "ldap", "ldaps", "tftp", "ws", "wss", "jar", "netdoc",
            "unix", "http+unix", "data", "javascript", "view-source", "ssh", "redis", "smb",
        )
    ),
    "file:///etc/passwd",
    "data:application/json,[]",
    "https://metadata.google.internal/",
    "https://instance-data/",
]  # fmt: skip
PLACES = (
    "http://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://localhost:{port}/x",
    "http://[::1]:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "/other",
    "",
)


class Canary:
    """Somebody on loopback who must never be called."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.calls = 0
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self.server.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    one = Canary()
    yield one
    one.close()
    assert one.calls == 0


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write every connection down and make none."""
    calls: list[str] = []

    def dial(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        calls.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", dial)
    return calls


def asked(client: Client, url: str, *hosts: str) -> str:
    """Return why a request was refused."""
    with pytest.raises(SourceDown) as caught:
        client.get(url, hosts=list(hosts or (NAME,)))
    return caught.value.message


def to(*found: str) -> Client:
    """Return a client whose resolver has these answers."""
    return Client(resolve=lambda _host, _port: list(found), pause=lambda _seconds: None)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_listed_spelling_of_this_machine_is_refused(canary: Canary, number: str) -> None:
    """Even where staff listed it by mistake: the machine's own resolver knows what it means."""
    client = Client(pause=lambda _seconds: None)
    why = asked(client, f"http://{number}:{canary.port}/", number)
    assert "not public" in why or "cannot be resolved" in why


@pytest.mark.parametrize("address", [*INSIDE, *NUMBERS])
def test_a_name_that_leads_inside_is_never_dialled(dialled: list[str], address: str) -> None:
    for found in ((address,), (PUBLIC, address), (address, PUBLIC)):
        assert "not public" in asked(to(*found), f"https://{NAME}/")
    assert dialled == []


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_public_beside_it_is_dialled(dialled: list[str], address: str) -> None:
    assert addresses.is_public(address)
    assert "no answer" in asked(to(address), f"https://{NAME}/")
    assert set(dialled) == {address}


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_that_is_not_the_listed_one_is_not_looked_up(
    dialled: list[str], url: str
) -> None:
    looked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked.append(host)
        return [PUBLIC]

    asked(Client(resolve=resolve, pause=lambda _seconds: None), url)
    assert (looked, dialled) == ([], [])


def test_the_same_listed_name_in_other_letters_is_the_same() -> None:
    looked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked.append(host)
        return ["10.0.0.1"]

    for url in (f"HTTPS://{NAME.upper()}/", f"https://{NAME}:443/", f" https://{NAME}/"):
        asked(Client(resolve=resolve), url, NAME.title())
    assert set(looked) == {NAME}


@pytest.mark.parametrize("later", ["127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"])
def test_a_name_that_changes_its_mind_between_tries(dialled: list[str], later: str) -> None:
    answers = iter([[PUBLIC], [later], [PUBLIC]])
    client = Client(resolve=lambda _host, _port: next(answers), pause=lambda _seconds: None)
    assert "not public" in asked(client, f"https://{NAME}/")
    assert dialled == [PUBLIC]


def test_a_name_that_changes_its_mind_between_look_and_call(
    dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was judged is dialled: nobody asks the system for the name again."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the name was looked up again")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    asked(to(PUBLIC), f"https://{NAME}/")
    assert dialled == [PUBLIC] * (RETRIES_MAX + 1)


def test_no_proxy_of_the_environment_is_used(
    canary: Canary, dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    for scheme in ("http", "https"):
        asked(to(PUBLIC), f"{scheme}://{NAME}/")
    assert set(dialled) == {PUBLIC}


@pytest.mark.parametrize("status", [201, 300, 301, 302, 303, 304, 305, 307, 308])
def test_where_an_answer_points_nobody_goes(
    canary: Canary, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    where = ""

    def point(handler: BaseHTTPRequestHandler, _feed: Feed) -> None:
        head = f"HTTP/1.1 {status} See\r\nLocation: {where}\r\nRefresh: 0;url={where}\r\n"
        end = f"Content-Location: {where}\r\nContent-Length: 0\r\n\r\n"
        handler.wfile.write((head + end).encode())

    monkeypatch.setitem(BEHAVIOURS, "point", point)
    client = Client(
        resolve=lambda _host, _port: ["127.0.0.1"],
        permits=lambda address: address == "127.0.0.1",
        pause=lambda _seconds: None,
    )
    with serving(Feed(behave="point")) as feed:
        for place in PLACES:
            where = place.format(port=canary.port)
            if status == HTTPStatus.NOT_MODIFIED:
                assert not client.get(feed.url, hosts=["feed.example"], etag="x").changed
            else:
                assert "not followed" in asked(client, feed.url, "feed.example")
    assert feed.paths == ["/feed.xml"] * len(PLACES)
