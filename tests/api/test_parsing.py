"""The body: JSON in UTF-8, small, shallow, each key once, no numbers with a fraction."""

import json

import pytest

from exchange.api.parsing import BYTES_MAX, DEPTH_MAX, parse
from exchange.errors import Malformed
from exchange.models import Market
from tests.api.caller import Caller

QUOTES = "markets/oil/quotes/"

BAD = {
    "empty": b"",
    "spaces": b"   ",
    "a byte order mark": b'\xef\xbb\xbf{"side":"buy"}',
    "another encoding": '{"side":"buy"}'.encode("utf-16"),
    "half a character": b'{"side":"\xc3"}',
    "overlong": b'{"side":"\xc0\xaf"}',
    "half a surrogate": b'{"side":"\\ud800"}',
    "the other half": b'{"side":"\\udfff"}',
    "half a surrogate in a key": b'{"\\ud800":"buy"}',
    "NUL": b'{"side":"\\u0000"}',
    "NUL in a key": b'{"\\u0000":"buy"}',
    "a bare NUL": b'{"side":"\x00"}',
    "a bare line feed": b'{"side":"\n"}',
    "single quotes": b"{'side':'buy'}",
    "a trailing comma": b'{"side":"buy",}',
    "a comment": b'{"side":"buy"}//',
    "two values": b'{"side":"buy"}{"side":"buy"}',
    "no end": b'{"side":"buy"',
    "NaN": b'{"amount":NaN}',
    "infinity": b'{"amount":-Infinity}',
    "a fraction": b'{"amount":0.1}',
    "an exponent": b'{"amount":1e2}',
    "a huge exponent": b'{"amount":1e999999}',
    "a huge number": b'{"amount":' + b"9" * 5_000 + b"}",
    "two equal keys": b'{"side":"buy","side":"sell"}',
    "two equal keys below": b'{"a":{"x":1,"x":1}}',
    "equal keys in other spelling": b'{"side":"buy","s\\u0069de":"sell"}',
    "too deep a list": b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
    "too deep an object": b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1),
    "as deep as the stack": b"[" * 30_000,
    "deeper, and whole": b"[" * 30_000 + b"]" * 30_000,
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_refuses(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse(raw)


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [raw for raw in BAD.values() if raw], ids=str)
def test_refuses_at_the_door(anyone: Caller, market: Market, raw: bytes) -> None:
    answer = anyone.post(QUOTES, raw=raw)

    assert answer.status == 400
    assert answer.code in {"malformed", "money_malformed"}


@pytest.mark.parametrize(
    "value",
    [
        {"side": "buy", "n": 7},
        {"text": 'žluťoučký 🐎 \\ " / \b'},
        [None, True, False, -5, "x", {}],
        json.loads("[" * DEPTH_MAX + "]" * DEPTH_MAX),
        {"long": "x" * 60_000},
    ],
    ids=["object", "text", "values", "depth", "length"],
)
def test_reads_what_is_json(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.django_db
def test_a_body_has_an_end(anyone: Caller, market: Market) -> None:
    def sized(size: int) -> bytes:
        return b'{"side":"buy","amount":"1"' + b" " * (size - 27) + b"}"

    exact, over = (anyone.post(QUOTES, raw=sized(BYTES_MAX + more)) for more in (0, 1))

    assert exact.status == 200
    assert (over.status, over.fields) == (400, {"bytes_max": BYTES_MAX})


@pytest.mark.django_db
def test_ten_megabytes_are_not_read(anyone: Caller, market: Market) -> None:
    answer = anyone.post(QUOTES, raw=b"[" + b"1," * 5_000_000 + b"1]")

    assert answer.status == 400


@pytest.mark.django_db
def test_a_query_has_each_name_once(anyone: Caller) -> None:
    answer = anyone.get("markets/", status=["active", "funding"])

    assert (answer.status, answer.fields) == (400, {"field": "status"})
