"""Where the oracle never connects to: every spelling of what is not the public internet."""

import pytest

from oracle.sources import addresses
from oracle.sources.base import SourceDown
from oracle.sources.http import Client

PRIVATE = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255
192.168.0.1 169.254.0.1 169.254.169.254 100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1
198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1
::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::127.0.0.1 ::7f00:1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:101::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 100::1 5f00::1
""".split()  # noqa: SIM905 (a table is read by eye)
# What a resolver would have to be asked about; as an address it means nothing.
SPELLINGS = """
2130706433 0x7f000001 0177.0.0.1 127.1 127.0.1 0x7f.1 017700000001 127.0.0.1.nip.example
localhost 127.0.0.1:80 [::1] 1.2.3 256.0.0.1 169.254.169.254. metadata
""".split()  # noqa: SIM905 (likewise)
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]

URLS = [
    "file:///etc/passwd",
    "gopher://news.example/",
    "ftp://news.example/feed",
    "http://user@news.example/",
    "http://user:secret@news.example/",
    "http://news.example@127.0.0.1/",
    "http://127.0.0.1/",
    "http://[::1]/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://news.example.evil.example/",
    "http://evil.example/#news.example",
    "http://news.example:99999/",
    "http://NEWS.EXAMPLE.:80/",
    "//news.example/",
    "news.example/feed",
    "",
    "http:///feed",
    "javascript:alert(1)",
    "data:text/xml,<rss/>",
]


class Reached(Exception):
    """A connection would have been made."""


def refuse(*_: object) -> list[str]:
    raise Reached


@pytest.mark.parametrize(
    "address", [*PRIVATE, *SPELLINGS, "\uff11\uff12\uff17.0.0.1", "\u00b9\u00b2\u2077.0.0.1"]
)
def test_not_public(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize("url", URLS)
def test_an_address_off_the_list_is_not_even_resolved(url: str) -> None:
    with pytest.raises(SourceDown):
        Client(resolve=refuse).get(url, hosts=["news.example"])


@pytest.mark.parametrize("address", PRIVATE)
def test_a_listed_name_that_leads_inside_is_refused(address: str) -> None:
    client = Client(resolve=lambda _host, _port: ["93.184.216.34", address])
    with pytest.raises(SourceDown, match="not public"):
        client.get("https://news.example/feed", hosts=["news.example"])


def test_a_name_that_changes_its_mind_is_asked_once() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    judged: list[str] = []

    def permits(address: str) -> bool:
        judged.append(address)
        return False

    client = Client(resolve=lambda _host, _port: next(answers), permits=permits)
    with pytest.raises(SourceDown):
        client.get("http://news.example/", hosts=["news.example"])
    assert judged == ["127.0.0.1"]


def test_a_name_nobody_knows_is_a_fault_of_the_world() -> None:
    def unknown(*_: object) -> list[str]:
        raise OSError("no such name")

    client = Client(resolve=unknown, pause=lambda _seconds: None)
    with pytest.raises(SourceDown, match="cannot be resolved"):
        client.get("http://news.example/", hosts=["news.example"])


def test_loopback_resolves_to_itself() -> None:
    assert "127.0.0.1" in addresses.resolve("127.0.0.1", 80)
