"""What stops a market, for programs: the rule, what it stops, since and until."""

from typing import Any

import pytest

from exchange import clock
from exchange.models import LiveState, Market
from tests.api.caller import Caller
from tests.factories import funded_user, short

pytestmark = pytest.mark.django_db
SOON = 4_000_000_000


def stopped(caller: Caller) -> list[dict[str, Any]]:
    rows = caller.get("markets/oil/").json["stopped"]
    assert isinstance(rows, list)
    return rows


def live(market: Market, **changes: Any) -> None:
    LiveState.objects.filter(market=market).update(**changes)


def engine(market: Market, **changes: Any) -> None:
    row = LiveState.objects.get(market=market)
    live(market, state=row.state | changes)


def test_nothing_is_stopped_in_a_healthy_market(anyone: Caller, market: Market) -> None:
    assert stopped(anyone) == []
    assert anyone.get("markets/").json["results"][0]["paused"] is None


def test_a_pause_has_its_rule_its_beginning_and_its_end(anyone: Caller, market: Market) -> None:
    live(market, pause_rule="price_move", pause_since_s=0, pause_until_s=SOON)

    assert stopped(anyone) == [
        {
            "rule": "pause",
            "detail": "price_move",
            "stops": "opening",
            "since": "1970-01-01T00:00:00Z",
            "until": "2096-10-02T07:06:40Z",
        }
    ]
    assert anyone.get("markets/").json["results"][0]["paused"] == {
        "rule": "price_move",
        "since": "1970-01-01T00:00:00Z",
        "until": "2096-10-02T07:06:40Z",
    }


def test_a_pause_that_is_over_is_gone(anyone: Caller, market: Market) -> None:
    live(market, pause_rule="price_move", pause_since_s=1, pause_until_s=clock.now_s())

    assert stopped(anyone) == []


def test_only_broken_books_stop_everything(anyone: Caller, market: Market) -> None:
    live(
        market,
        halt_rule="invariant",
        halt_since=clock.at(5),
        reduce_only_since=clock.at(6),
        reduce_only_reason="index under repair",
    )

    rows = stopped(anyone)

    assert [(row["rule"], row["stops"], row["detail"]) for row in rows] == [
        ("halt", "everything", "invariant"),
        ("reduce_only", "opening", "index under repair"),
    ]
    assert [row["since"] for row in rows] == ["1970-01-01T00:00:05Z", "1970-01-01T00:00:06Z"]
    live(market, halt_rule="")


@pytest.mark.breaks_books
def test_a_silent_oracle_and_a_clamp_are_told(anyone: Caller, market: Market) -> None:
    engine(market, last_oracle_s=1_000, clamped=True)

    rows = stopped(anyone)

    assert [(row["rule"], row["stops"], row["since"]) for row in rows] == [
        ("oracle_stale", "opening", "1970-01-01T00:46:40Z"),
        ("clamped", "deposits", None),
    ]


def test_margin_rules_short_interest_and_the_largest_short(anyone: Caller, market: Market) -> None:
    short(funded_user("1000"), market, "10")

    body = anyone.get("markets/oil/").json

    assert body["margin"] == {
        "at_open": "1.00000000",
        "initial": "0.50000000",
        "maintenance": "0.20000000",
        "liquidation_fee": "0.01000000",
    }
    assert body["state"]["short"] == "10.000000000"
    assert float(body["health"]["short_interest_used"]) > 0
    assert float(body["health"]["short_capital_used"]) > 0
    largest = body["limits"]["largest_short"]
    assert (largest["rule"], float(largest["shares_max"]) > 0) == ("impact_cap", True)
    ask = {"side": "sell", "shares": largest["shares_max"]}
    assert anyone.post("markets/oil/quotes/", ask).json["refused"] is None
