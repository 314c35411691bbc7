"""GET /markets/{slug}/trades/, /events/ and /staff-actions/: the public record."""

import pytest

from exchange.models import Fill, Market, User
from exchange.services import staff as desk
from tests.api.caller import Caller
from tests.factories import active_market, buy, open_market, sell

pytestmark = pytest.mark.django_db
LISTS = ["markets/oil/trades/", "markets/oil/events/", "staff-actions/"]


def everything(caller: Caller, address: str) -> list[dict[str, object]]:
    """Return all rows of a list, two by two."""
    page = caller.get(address, limit=2).json
    rows = list(page["results"])
    while page["next"] is not None:
        page = caller.get(address, limit=2, cursor=page["next"]).json
        rows += page["results"]
    return rows


def test_lists_trades_newest_first(anyone: Caller, alice: User, market: Market) -> None:
    held = buy(alice, market, "100").result["shares_nano"]
    sell(alice, market, held // 2)

    rows = anyone.get("markets/oil/trades/").json["results"]

    assert [row["side"] for row in rows] == ["sell", "buy"]
    assert set(rows[0]) == {"id", "seq", "side", "shares", "value", "price", "market_price", "at"}
    assert rows[1]["value"] == "99.500000"
    assert rows[0]["at"].endswith("Z")


def test_trades_have_pages_without_gap_or_repeat(
    anyone: Caller, alice: User, market: Market
) -> None:
    for _ in range(5):
        buy(alice, market, "10")
    buy(alice, active_market("gas"), "10")

    rows = everything(anyone, "markets/oil/trades/")

    seqs = Fill.objects.filter(market=market).order_by("-command_seq")
    assert [row["seq"] for row in rows] == list(seqs.values_list("command_seq", flat=True))


def test_events_tell_the_life_of_a_market(anyone: Caller, market: Market, staff: User) -> None:
    desk.reduce_only_set(actor=staff, market=market, reason="the index is under repair")
    desk.reduce_only_lift(actor=staff, market=market, reason="the index is whole")

    rows = everything(anyone, "markets/oil/events/")

    assert [row["kind"] for row in rows] == ["reduce_only_lifted", "reduce_only", "active"]
    assert rows[1]["rule"] == "the index is under repair"
    assert rows[1]["detail"] == {"by": "staff"}


def test_a_young_market_has_no_record(anyone: Caller) -> None:
    open_market("gas")

    assert anyone.get("markets/gas/trades/").json == {"results": [], "next": None}
    assert anyone.get("markets/gas/events/").json == {"results": [], "next": None}


def test_acts_of_staff_are_public_and_name_nobody(
    anyone: Caller, market: Market, staff: User, alice: User
) -> None:
    desk.reduce_only_set(actor=staff, market=market, reason="the index is under repair")
    desk.opens_bar(actor=staff, user=alice, reason="several accounts, one funder")
    desk.user_change(actor=staff, user=alice, changes={"is_bot": True}, reason="trades by program")

    rows = everything(anyone, "staff-actions/")

    assert [row["verb"] for row in rows] == ["user.opens_barred", "market.reduce_only_set"]
    assert set(rows[0]) == {"id", "verb", "target", "reason", "at"}
    assert str(rows[0]["target"]).startswith("user usr_")


@pytest.mark.parametrize("page", ["trades", "events"])
def test_an_unknown_market_is_not_found(anyone: Caller, db: None, page: str) -> None:
    assert anyone.get(f"markets/none/{page}/").code == "not_found"


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize(
    "query", [{"cursor": "ord_0000000000001"}, {"cursor": "leg_"}, {"limit": "0"}, {"user": "1"}]
)
def test_a_strange_query_is_refused(
    anyone: Caller, market: Market, address: str, query: dict[str, str]
) -> None:
    assert anyone.get(address, **query).status == 400


@pytest.mark.parametrize("address", LISTS)
def test_nobody_writes_the_record(as_alice: Caller, market: Market, address: str) -> None:
    assert as_alice.post(address, {"kind": "halt"}).code == "method_not_allowed"
