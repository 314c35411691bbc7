"""What a browser of ours never sends: broken, giant and countless frames end their sender alone."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.factories import active_market, buy, funded_user
from tests.faults.site import Web
from tests.sockets.browser import Browser

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

Open = Callable[..., Browser]
MALFORMED = 4400
TOO_BIG = 1009
MEBIBYTE = 2**20
MEMORY_MIB_MAX = 64


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "x",
        "{",
        "[]",
        "1",
        "null",
        '"ack"',
        "{}",
        '{"ack": null}',
        '{"ack": true}',
        '{"ack": 1.0}',
        '{"ack": 1e3}',
        '{"ack": "1"}',
        '{"ack": [1]}',
        '{"ack": NaN}',
        '{"ack": Infinity}',
        '{"ack": ' + "9" * 1000 + "}",
        "[" * 1000,
        b"\x00\x01",
        b"",
        " " * 1025,
        '{"ack": 1, "pad": "' + "x" * 1024 + '"}',
    ],
)
def test_what_is_not_an_acknowledgement_closes_with_a_code(
    browse: Open, frame: str | bytes
) -> None:
    browser = browse(1)
    browser.read()

    browser.say(frame)

    # a count of a thousand digits is a number, if a strange one
    if frame == '{"ack": ' + "9" * 1000 + "}":
        assert browser.rest(0.3) == []
    else:
        assert browser.code() == MALFORMED


@pytest.mark.parametrize("ack", [0, -1, -(10**30)])
def test_a_count_that_says_nothing_changes_nothing(
    browse: Open, publish: Callable[[], int], ack: int
) -> None:
    market, user = active_market(), funded_user("100")
    publish()
    browser = browse(market.pk)
    browser.read()
    time.sleep(0.3)

    browser.say(json.dumps({"ack": ack, "more": "fields"}))
    buy(user, market, "5")
    publish()

    assert browser.next("tick")["market"] == market.pk


def test_a_megabyte_closes_its_sender_and_nobody_else(browse: Open) -> None:
    sender, other = browse(1), browse(1)
    for one in (sender, other):
        one.read()

    sender.say("x" * MEBIBYTE)

    assert sender.code() in {MALFORMED, TOO_BIG}
    other.say('{"ack": 0}')
    assert other.next("heartbeat", 7)


def peak_mib(web: Web) -> int:
    assert web.process is not None
    status = Path(f"/proc/{web.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def test_a_giant_frame_is_not_collected_in_memory(web: Web, browse: Open) -> None:
    browser = browse(1)
    browser.read()
    before = peak_mib(web)

    try:
        browser.say(b"x" * (160 * MEBIBYTE))
        code = browser.code(30)
    except (ConnectionClosed, OSError):
        code = TOO_BIG

    assert code in {MALFORMED, TOO_BIG}
    grown = peak_mib(web) - before
    assert grown <= MEMORY_MIB_MAX, f"one frame cost {grown} MiB"


def test_a_thousand_frames_a_second_are_ended(browse: Open) -> None:
    flood, other = browse(1), browse(1)
    for one in (flood, other):
        one.read()

    codes: list[int] = []
    try:
        for _ in range(20_000):
            flood.say('{"ack": 0}')
        codes.append(flood.code(10))
    except ConnectionClosed as end:
        codes.append(end.rcvd.code if end.rcvd else 1006)
    except TimeoutError:
        codes.append(0)

    other.say('{"ack": 0}')
    assert other.next("heartbeat", 10)
    assert codes != [0], "twenty thousand frames were all taken"
    assert codes[0] >= 4000


def test_a_line_that_never_finishes_its_frame_is_closed_in_the_end(browse: Open) -> None:
    """Half a frame is silence: heartbeats go unanswered and the socket ends."""
    browser = browse(1)
    browser.read()
    raw = browser.socket.socket
    raw.sendall(b"\x81\xfe\x01\x00" + b"\x00" * 4 + b"half")

    assert browser.code(30) == 4408
