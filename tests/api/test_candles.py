"""GET /markets/{slug}/candles/: Postgres's own JSON, with the oracle's moves beside it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange import clock
from exchange.models import Candle, Market, User
from exchange.selectors import candles
from exchange.services import markets
from tests.api.caller import Caller
from tests.factories import buy

pytestmark = pytest.mark.django_db
CANDLES = "markets/oil/candles/"
REPORT = {"delta_pico": 2 * 10**10, "confidence_e8": 80_000_000}


def test_gives_arrays_in_order(anyone: Caller, alice: User, market: Market) -> None:
    buy(alice, market, "100")

    answer = anyone.get(CANDLES, interval="1m", range="1h")

    body = answer.json
    assert answer.status == 200
    assert body["interval"] == "1m"
    candle = body["candles"][-1]
    assert len(candle) == 9
    bucket, low, high = candle[0], candle[3], candle[2]
    assert bucket % 60 == 0
    assert low <= candle[1] <= high
    row = Candle.objects.filter(market=market, interval_s=60).latest("bucket_s")
    assert candle[7:] == [row.volume_micro, row.trades]


def test_the_series_goes_out_as_it_came(
    anyone: Caller, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candles, "series_json", lambda *_: "[[1, 2.50, 3e0]]")

    assert b'"candles":[[1, 2.50, 3e0]],' in anyone.get(CANDLES).raw


def test_marks_the_oracles_moves(anyone: Caller, market: Market) -> None:
    markets.oracle_apply(market_id=market.pk, reports=[REPORT] * 3, ref="run-0001")

    moves = anyone.get(CANDLES).json["moves"]

    assert len(moves) == 1
    assert set(moves[0]) == {"t", "applied", "before", "after", "ref", "clamps"}
    assert (moves[0]["ref"], moves[0]["before"]) == ("run-0001", "10.000000000000")
    assert moves[0]["after"] > moves[0]["before"]
    assert abs(moves[0]["t"] - clock.now_s()) < 60


def test_a_range_ends_where_it_is_told(anyone: Caller, market: Market) -> None:
    markets.oracle_apply(market_id=market.pk, reports=[REPORT] * 3, ref="run-0001")
    now_s = clock.now_s()

    past = anyone.get(CANDLES, **{"from": 0, "to": now_s - 3_600}).json
    present = anyone.get(CANDLES, **{"from": now_s - 3_600, "to": now_s + 60}).json

    assert (past["candles"], past["moves"]) == ([], [])
    assert (len(present["candles"]), len(present["moves"])) == (1, 1)


def test_asks_few_questions(anyone: Caller, market: Market) -> None:
    with CaptureQueriesContext(connection) as queries:
        anyone.get(CANDLES, range="all", interval="1d")

    assert len(queries) <= 3


@pytest.mark.parametrize(
    "query",
    [
        {"interval": "5m"}, {"interval": ""}, {"range": "1y"}, {"range": "1d", "from": "1"},
        {"from": "-1"}, {"from": "1e9"}, {"from": "9" * 19}, {"to": "99999999999999"},
        {"to": "2026-01-01"}, {"limit": "5"}, {"interval": ["1m", "1h"]},
    ],
)  # fmt: skip
def test_a_strange_query_is_refused(
    anyone: Caller, market: Market, query: dict[str, object]
) -> None:
    answer = anyone.get(CANDLES, **query)

    assert answer.status == 400
    assert answer.code in {"malformed", "field_unknown"}


@pytest.mark.parametrize("query", [{"to": 10**11}, {"from": 10**11}, {"from": 10**11, "to": 0}])
def test_the_ends_of_time_are_survived(
    anyone: Caller, market: Market, query: dict[str, int]
) -> None:
    assert anyone.get(CANDLES, **query).status == 200


def test_an_unknown_market_is_not_found(anyone: Caller, db: None) -> None:
    assert anyone.get(CANDLES).code == "not_found"
