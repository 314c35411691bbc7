"""GET /markets/, /markets/{slug}/ and /markets/{slug}/snapshot/: for anyone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange import clock
from exchange.models import LiveState, Market, User
from exchange.services import staff
from tests.api.caller import Caller
from tests.factories import active_market, buy, funded_user, open_market

pytestmark = pytest.mark.django_db
QUERIES_MAX = 15


def slugs(caller: Caller, **query: object) -> list[str]:
    return [row["slug"] for row in caller.get("markets/", **query).json["results"]]


def test_lists_every_market_by_slug(anyone: Caller) -> None:
    for slug in ("oil", "gas", "tea"):
        open_market(slug)

    answer = anyone.get("markets/")

    assert answer.status == 200
    assert [row["slug"] for row in answer.json["results"]] == ["gas", "oil", "tea"]
    assert answer.json["next"] is None
    assert answer.headers["Cache-Control"] == "no-store"


def test_filters_by_status_topic_and_words(anyone: Caller) -> None:
    open_market("gas")
    active_market("oil")
    Market.objects.filter(slug="gas").update(topic="Energy", name="Natural gas")

    assert slugs(anyone, status="active") == ["oil"]
    assert slugs(anyone, topic="energy") == ["gas"]
    assert slugs(anyone, search="natural") == ["gas"]
    assert slugs(anyone, search="%") == slugs(anyone, search="_") == []
    assert slugs(anyone, status="active", topic="energy") == []


def test_goes_through_pages(anyone: Caller) -> None:
    for slug in ("oil", "gas", "tea"):
        open_market(slug)

    first = anyone.get("markets/", limit=2).json
    second = anyone.get("markets/", limit=2, cursor=first["next"]).json

    assert [row["slug"] for row in first["results"]] == ["gas", "oil"]
    assert ([row["slug"] for row in second["results"]], second["next"]) == (["tea"], None)


@pytest.mark.parametrize(
    "query", [{"status": "open"}, {"ordering": "name"}, {"search": "x" * 81}, {"topic": "a\x00"}]
)
def test_a_strange_query_is_refused(anyone: Caller, db: None, query: dict[str, str]) -> None:
    assert anyone.get("markets/", **query).status == 400


def test_a_long_list_asks_few_questions(anyone: Caller) -> None:
    for number in range(12):
        open_market(f"m-{number}")

    with CaptureQueriesContext(connection) as queries:
        anyone.get("markets/")

    assert len(queries) == 1


def test_prices_carry_their_labels_and_ages(anyone: Caller, market: Market) -> None:
    with clock.shifted(45):
        prices = anyone.get("markets/").json["results"][0]["prices"]

    assert set(prices) == {"market_price", "fundamental", "headline"}
    assert prices["market_price"]["value"] == "10.000000000000"
    assert 45 <= prices["headline"]["age_s"] <= 60


def test_a_market_without_a_tick_has_no_prices(anyone: Caller) -> None:
    open_market("gas")

    assert anyone.get("markets/").json["results"][0]["prices"] is None


def test_describes_a_market_in_full(anyone: Caller, alice: User, market: Market) -> None:
    buy(alice, market, "100")

    with CaptureQueriesContext(connection) as queries:
        answer = anyone.get("markets/oil/")

    body = answer.json
    assert answer.status == 200
    assert len(queries) <= QUERIES_MAX
    assert (body["mode"], body["status"]) == ("active", "active")
    assert float(body["prices"]["market_price"]["value"]) > 10
    assert body["prices"]["fundamental"]["value"] == "10.000000000000"
    assert body["state"]["pool"] == "10099.500000"
    assert body["state"]["supply"] == body["state"]["long"] != "0.000000000"
    assert body["config"]["fee"] == "0.00500000"
    assert body["limits"]["fee"] == "0.00500000"
    assert float(body["health"]["reserve_ratio"]) >= 1
    assert body["rules"] == "Follows the index."


def test_names_the_largest_order_that_passes(anyone: Caller, market: Market) -> None:
    largest = anyone.get("markets/oil/").json["limits"]["largest_buy"]

    amount = largest["amount_max"]
    quote = anyone.post("markets/oil/quotes/", {"side": "buy", "amount": amount}).json
    assert largest["rule"] in {"band", "impact_cap"}
    assert quote["refused"] is None


def test_tells_what_limits_a_market(anyone: Caller, market: Market, staff: User) -> None:
    _limit(market, staff)

    body = anyone.get("markets/oil/").json

    assert (body["mode"], body["reduce_only"]) == ("reduce_only", "the index is under repair")
    assert body["reduce_only_since"].endswith("Z")
    assert body["limits"]["largest_buy"]["rule"] == "closed_only"
    assert body["limits"]["largest_buy"]["amount_max"] == "0.000000"


def _limit(market: Market, actor: User) -> None:
    staff.reduce_only_set(actor=actor, market=market, reason="the index is under repair")


def test_tells_a_halt(anyone: Caller, market: Market) -> None:
    since = "2026-01-02T03:04:05Z"
    LiveState.objects.filter(market=market).update(halt_rule="invariant", halt_since=since)

    body = anyone.get("markets/oil/").json

    assert (body["mode"], body["halted"], body["halted_since"]) == ("halted", "invariant", since)
    assert body["limits"]["largest_buy"]["rule"] == "market_halted"


def test_a_snapshot_is_the_newest_tick_in_one_statement(
    anyone: Caller, alice: User, market: Market
) -> None:
    buy(alice, market, "100")
    live = LiveState.objects.get(market=market)

    with CaptureQueriesContext(connection) as queries:
        answer = anyone.get("markets/oil/snapshot/")

    assert (answer.status, len(queries)) == (200, 1)
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json
    assert (body["market"], body["seq"]) == ("oil", live.batch_seq)
    assert body["tick"] == live.last_tick
    assert (body["halted"], body["reduce_only"]) == (None, None)
    assert abs(body["server_s"] - clock.now_s()) <= 2


def test_a_snapshot_before_the_first_tick(anyone: Caller) -> None:
    open_market("gas")

    assert anyone.get("markets/gas/snapshot/").json["tick"] is None


@pytest.mark.parametrize("address", ["markets/none/", "markets/none/snapshot/"])
def test_an_unknown_market_is_not_found(anyone: Caller, db: None, address: str) -> None:
    answer = anyone.get(address)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("address", ["markets/", "markets/oil/", "markets/oil/snapshot/"])
def test_nothing_can_be_written_here(as_alice: Caller, market: Market, address: str) -> None:
    posted, deleted = as_alice.post(address, {"status": "settled"}), as_alice.delete(address)

    assert (posted.status, posted.code) == (405, "method_not_allowed")
    assert (deleted.status, deleted.code) == (405, "method_not_allowed")


def test_demo_markets_say_so(anyone: Caller, market: Market) -> None:
    Market.objects.filter(pk=market.pk).update(is_demo=True)

    assert anyone.get("markets/oil/").json["is_demo"] is True


def test_nothing_private_is_in_public_answers(anyone: Caller, market: Market) -> None:
    trader = funded_user("500", display_name="Zanzibar")
    buy(trader, market, "100")

    pages = ("", "snapshot/", "trades/", "events/", "candles/")
    raw = b"".join(anyone.get(f"markets/oil/{page}").raw for page in pages)

    assert b"Zanzibar" not in raw
    assert trader.email.encode() not in raw
