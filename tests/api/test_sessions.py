"""Sessions through the API: every address as everybody, a session from draft to payout, retries."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from exchange import clock
from exchange.api import session_urls
from exchange.ids import public_id
from exchange.models import Command, Market, OutcomeTick, Participant, Session, User
from exchange.services.sessions import lobby
from tests.api.caller import Answer, Caller
from tests.api.spellings import refused
from tests.factories import (
    ask,
    funded_user,
    host_user,
    joined,
    key,
    running_session,
    ticked,
    usdc,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited", "still_clock")]
Watch = Callable[[], AbstractContextManager[None]]
ByToken = Callable[..., Caller]

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ONE = "sessions/<str:code>/"
BODY = {"name": "Cup", "outcomes": [{"name": "Ant"}, {"name": "Bee"}, {"name": "Cat"}]}
ORDER = {"side": "buy", "outcome": 0, "token": "yes", "size": "2"}


class Row(NamedTuple):
    """What each caller is answered: visitor, participant by token, stranger, host."""

    visitor: int
    participant: int
    charlie: int
    host: int
    body: Any = None


OPEN = Row(200, 200, 200, 200)
OWN = Row(401, 200, 404, 404)
HOSTS = Row(401, 403, 404, 422, {})

TABLE = {
    ("GET", "sessions/"): Row(401, 200, 200, 200),
    ("POST", "sessions/"): Row(401, 403, 403, 201, BODY),
    ("GET", "sessions/modes/"): OPEN,
    ("GET", "sessions/presets/"): OPEN,
    ("POST", "sessions/rehearse/"): Row(401, 403, 403, 200, BODY),
    ("GET", f"{ONE}invitation/"): HOSTS._replace(host=200),
    ("POST", f"{ONE}outcomes/<int:number>/picture/"): HOSTS._replace(host=415),
    ("DELETE", f"{ONE}outcomes/<int:number>/picture/"): HOSTS,
    ("GET", ONE): OPEN,
    ("PUT", ONE): HOSTS._replace(body=BODY),
    ("DELETE", ONE): HOSTS,
    ("POST", f"{ONE}lobby/"): HOSTS,
    ("POST", f"{ONE}close/"): HOSTS,
    ("POST", f"{ONE}join/"): Row(201, 201, 201, 201, {"name": "New"}),
    ("POST", f"{ONE}start/"): HOSTS,
    ("POST", f"{ONE}reduce-only/"): HOSTS._replace(host=200, body={"reason": "breath"}),
    ("POST", f"{ONE}resume/"): HOSTS._replace(host=200),
    ("POST", f"{ONE}eliminate/"): HOSTS._replace(body={"outcomes": [0]}),
    ("POST", f"{ONE}end/"): HOSTS._replace(host=200),
    ("POST", f"{ONE}resolve/"): HOSTS._replace(body={"winner": 0}),
    ("POST", f"{ONE}reset/"): HOSTS._replace(host=201),
    ("POST", f"{ONE}clone/"): HOSTS._replace(host=201),
    ("GET", f"{ONE}orders/"): OWN,
    ("POST", f"{ONE}orders/"): OWN._replace(participant=202, body=ORDER),
    ("POST", f"{ONE}orders/preview/"): OPEN._replace(body=ORDER),
    ("POST", f"{ONE}orders/<int:ref>/cancel/"): OWN._replace(participant=202, body={}),
    ("GET", f"{ONE}orders/<str:order_id>/"): OWN,
    ("GET", f"{ONE}mine/"): OWN,
    ("GET", f"{ONE}mine/trades/"): OWN,
    ("GET", f"{ONE}mine/orders.csv"): OWN,
    ("GET", f"{ONE}prices/"): OPEN,
    ("GET", f"{ONE}book/"): OPEN,
    ("GET", f"{ONE}trades/"): OPEN,
    ("GET", f"{ONE}ticks/"): OPEN,
    ("GET", f"{ONE}ticks/<int:number>/"): OPEN,
    ("GET", f"{ONE}series/"): OPEN,
    ("GET", f"{ONE}ranking/"): OPEN,
    ("GET", f"{ONE}events/"): OPEN,
    ("GET", f"{ONE}exports/<str:what>.csv"): OPEN,
}


class Place:
    """A running session with one guest in it who has bought something."""

    def __init__(self) -> None:
        self.session = running_session()
        self.guest, secret = lobby.join(session=self.session, name="Ann", user=None)
        self.taken = ask(self.guest, "buy", "0y", "5", price="0.6")
        ticked(self.session, 1)
        self.by_guest = Caller(secret=secret or "")
        self.by_host = Caller(self.session.host)

    def call(self, caller: Caller, verb: str, route: str, body: Any = None) -> Answer:
        address = (
            route.replace("<str:code>", self.session.code)
            .replace("<int:ref>", "1")
            .replace("<str:order_id>", public_id("ord", self.taken.id))
            .replace("<int:number>", "1")
            .replace("<str:what>", "trades")
        )
        if verb == "GET":
            return caller.get(address)
        if verb == "DELETE":
            return caller.delete(address)
        if verb == "PUT":
            return caller.put(address, body)
        return caller.post(address, body, Idempotency_Key=key())


@pytest.fixture
def place() -> Place:
    """Return a running session."""
    return Place()


def test_every_address_and_verb_is_in_the_table() -> None:
    found = {
        (verb, str(entry.pattern))
        for entry in session_urls.urlpatterns
        for verb in VERBS
        if hasattr(getattr(entry.callback, "cls", None), verb.lower())
    }

    assert found == set(TABLE)


@pytest.mark.parametrize(("verb", "route"), TABLE, ids=lambda part: part)
def test_each_is_answered_as_the_table_says(place: Place, verb: str, route: str) -> None:
    row = TABLE[verb, route]
    callers = {
        "visitor": Caller(),
        "participant": place.by_guest,
        "charlie": Caller(funded_user("1000")),
        "host": place.by_host,
    }
    names = iter(("Vic", "Pat", "Cho", "Hal"))

    found = {}
    for name, caller in callers.items():
        body = {"name": next(names)} if route.endswith("join/") else row.body
        found[name] = place.call(caller, verb, route, body).status

    assert found == {name: getattr(row, name) for name in callers}


@pytest.mark.parametrize(("verb", "route"), TABLE, ids=lambda part: part)
def test_who_is_refused_changes_nothing(
    place: Place, nothing_happened: Watch, verb: str, route: str
) -> None:
    row = TABLE[verb, route]
    charlie = Caller(funded_user("1000"))
    for caller, status in ((Caller(), row.visitor), (charlie, row.charlie)):
        if status in {401, 403, 404}:
            with nothing_happened():
                place.call(caller, verb, route, row.body)


def test_a_token_of_another_session_is_a_strangers(place: Place) -> None:
    other = Place()

    assert place.call(other.by_guest, "GET", f"{ONE}mine/").status == 404
    assert other.by_guest.get("balances/").code == "token_invalid"
    assert Caller(secret="mgp_nonsense").get(f"sessions/{place.session.code}/mine/").status == 401


def test_an_accounts_token_is_held_to_its_scopes(by_token: ByToken) -> None:
    session = running_session()
    user = joined(session, "Alice", funded_user("5")).user
    address = f"sessions/{session.code}/orders/"

    reader, trader = by_token(user, "read"), by_token(user, "trade")

    assert reader.post(address, ORDER, Idempotency_Key=key()).code == "scope_missing"
    assert trader.post(address, ORDER, Idempotency_Key=key()).status == 202
    assert reader.get(f"sessions/{session.code}/mine/").status == 200


def test_a_session_from_draft_to_payout() -> None:
    host = Caller(host_user())
    made = host.post("sessions/", {**BODY, "parameters": {"gas_fee": "0.01", "mr_enabled": True}})
    code = made.json["code"]
    assert (made.status, made.json["phase"]) == (201, "draft")
    assert Caller().get(f"sessions/{code}/").status == 404

    changed = host.put(f"sessions/{code}/", {**BODY, "name": "Bowl"})
    assert changed.json["name"] == "Bowl"
    assert host.post(f"sessions/{code}/lobby/").json["phase"] == "lobby"
    secret = Caller().post(f"sessions/{code}/join/", {"name": "Ann"}).json["token"]
    ann = Caller(secret=secret)
    assert host.post(f"sessions/{code}/start/").json["phase"] == "running"

    taken = ann.post(f"sessions/{code}/orders/", ORDER, Idempotency_Key=key())
    session = Session.objects.get(code=code)
    ticked(session, 2)
    order = ann.get(f"sessions/{code}/orders/{taken.json['id']}/").json
    assert (taken.json["status"], order["status"]) == ("accepted", "filled")
    assert order["answer"]["filled"] == "2.000000"
    mine = ann.get(f"sessions/{code}/mine/").json
    assert mine["holdings"][0]["if_right"] == "2.000000"
    assert set(mine["if_wins"]) == {"0", "1", "2"}

    host.post(f"sessions/{code}/end/")
    ticked(session, 4)
    host.post(f"sessions/{code}/resolve/", {"winner": 0})
    ticked(session, 6)
    shown = ann.get(f"sessions/{code}/").json
    assert (shown["phase"], shown["winner"]) == ("resolved", 0)
    (row,) = ann.get(f"sessions/{code}/ranking/").json["results"]
    assert (row["place"], row["name"], row["final"]) == (
        1, "Ann", ann.get(f"sessions/{code}/mine/").json["cash"],
    )  # fmt: skip


def test_a_retry_gets_the_first_answer_and_another_body_none(place: Place) -> None:
    address, same = f"sessions/{place.session.code}/orders/", key()
    first = place.by_guest.post(address, ORDER, Idempotency_Key=same)
    again = place.by_guest.post(address, ORDER, Idempotency_Key=same)
    other = place.by_guest.post(address, {**ORDER, "size": "3"}, Idempotency_Key=same)
    ticked(place.session, 3)
    after = place.by_guest.post(address, ORDER, Idempotency_Key=same)

    assert (first.raw, again.headers["Idempotent-Replay"]) == (again.raw, "true")
    assert (other.status, other.code) == (409, "key_reused")
    assert (after.json["id"], after.json["status"]) == (first.json["id"], "filled")
    assert Command.objects.filter(key=same).count() == 1


def test_a_refusal_is_told_with_its_sentence(place: Place) -> None:
    code = place.session.code
    with clock.shifted(1):
        taken = place.by_guest.post(
            f"sessions/{code}/orders/", {**ORDER, "size": "0.005"}, Idempotency_Key=key()
        )
    ticked(place.session, 3)

    shown = place.by_guest.get(f"sessions/{code}/orders/{taken.json['id']}/").json

    assert shown["status"] == "refused"
    assert shown["refused"]["code"] == "bad_size"
    assert "multiple of 0.01 tokens" in shown["refused"]["message"]
    assert shown["refused"]["fields"]["size"] == "0.005000"


def test_a_preview_says_what_an_order_would_do(place: Place) -> None:
    told = place.by_guest.post(f"sessions/{place.session.code}/orders/preview/", ORDER).json

    assert told["status"] == "filled"
    assert told["pays_if_right"] == "2.000000"
    assert float(told["cash_change"]) < 0 < float(told["exit_value"])
    assert len(told["prices"]) == 3


def test_what_is_wrong_with_a_session_is_named_by_field() -> None:
    host = Caller(host_user())
    few = host.post("sessions/", {**BODY, "outcomes": BODY["outcomes"][:2]})
    named = host.post("sessions/", {**BODY, "parameters": {"batch_ms": "5"}})
    twins = host.post("sessions/", {**BODY, "outcomes": [{"name": "A"}] * 3})

    assert (few.status, list(few.fields)) == (400, ["outcomes"])
    assert (named.code, named.fields["field"]) == ("config_invalid", "batch_ms")
    assert (twins.status, list(twins.fields)) == (400, ["outcomes"])


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("size", "a number of tokens"),
        ("price", "a price per token"),
        ("max_slippage", "a fraction of 1"),
    ],
)
def test_a_figure_that_is_none_is_called_what_it_should_be(
    place: Place, field: str, what: str
) -> None:
    answer = place.by_guest.post(
        f"sessions/{place.session.code}/orders/", {**ORDER, field: "1e3"}, Idempotency_Key=key()
    )

    assert (answer.status, answer.code) == (400, "money_malformed")
    assert f"“1e3” is not {what}." in answer.fields[field][0]


def test_lists_are_paged_without_repeats(place: Place) -> None:
    session, code = place.session, place.session.code
    for second in range(1, 6):
        with clock.shifted(second):
            ask(place.guest, "buy", "1y", "1")
        ticked(session, second + 1)
    for what, name in (("ticks", "number"), ("trades", "id"), ("orders", "id")):
        seen: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = place.by_guest.get(f"sessions/{code}/{what}/", limit=2, **cursor).json
            seen += [row[name] for row in page["results"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert len(seen) == len(set(seen)) == 6


def table(place: Place, what: str) -> list[dict[str, str]]:
    answer = Caller().get(f"sessions/{place.session.code}/exports/{what}.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.raw.decode())))


def test_exports_are_exact_and_no_formula(place: Place) -> None:
    session = place.session
    session.outcomes[0]["name"] = "=1+1"
    session.save()
    joined(session, "@Zed")
    for size in ("7", "3.25"):
        ask(joined(session, f"+{size}"), "buy", "0y", size)
    ticked(session, 5)

    trades, ticks = table(place, "trades"), table(place, "ticks")
    assert {row["outcome"] for row in trades} == {"'=1+1"}
    assert {row["buyer"] for row in trades} == {"Ann", "'+7", "'+3.25"}
    mine = [row["tokens"] for row in trades if row["buyer"] != "Ann"]
    assert sum(map(Decimal, mine)) == Decimal("10.25")
    own = [row for row in ticks if row["outcome"] == "'=1+1"]
    volume = sum(Decimal(row["volume"]) for row in own)
    assert volume == sum(Decimal(row["USDC"]) for row in trades)
    last = OutcomeTick.objects.filter(market_id=session.pk).latest("seq")
    money = {name: usdc(own[-1][name]) for name in ("fees", "gas", "pool", "pairs", "seigniorage")}
    assert money == {name: getattr(last, f"{name}_micro") for name in money}
    ranking = table(place, "ranking")
    assert {"'@Zed", "'+7", "'+3.25"} <= {row["name"] for row in ranking}
    assert Caller().get(f"sessions/{session.code}/exports/secrets.csv").status == 404


@pytest.mark.breaks_books
def test_the_configuration_keeps_the_hosts_secret_until_the_end(place: Place) -> None:
    session = place.session
    config = {**session.market.config, "rounds": [["1000", "100", ["1"]]]}
    Market.objects.filter(pk=session.pk).update(config=config)

    def told() -> dict[str, str]:
        return {row["name"]: row["value"] for row in table(place, "configuration")}

    before = told()
    assert (before["round 1 at ms"], before["round 1 freeze ms"]) == ("1000", "100")
    assert before["round 1 takes"] == ""
    assert before["z"] == config["z"]
    assert before["outcome 2"] == session.outcomes[1]["name"]
    Market.objects.filter(pk=session.pk).update(status=Market.Status.RESOLVED)

    assert told()["round 1 takes"] == session.outcomes[1]["name"]


def test_sessions_are_no_markets(place: Place, alice: User) -> None:
    caller = Caller(alice)

    assert caller.get(f"markets/{place.session.market.slug}/").status == 404
    assert caller.get("markets/").json["results"] == []
    assert Participant.objects.count() == 1


@pytest.mark.parametrize(("field", "places"), [("size", 6), ("price", 6), ("max_slippage", 9)])
def test_a_figure_has_one_grammar(
    place: Place, nothing_happened: Watch, field: str, places: int
) -> None:
    rest = {name: text for name, text in ORDER.items() if name != field}
    before = ",".join(f'"{name}":{json.dumps(value)}' for name, value in rest.items())
    slipped = []
    with nothing_happened():
        for value in refused(places):
            answer = place.by_guest.post(
                f"sessions/{place.session.code}/orders/",
                raw="{" + f'{before},"{field}":{value}' + "}",
                Idempotency_Key=key(),
            )
            if answer.status != 400 or answer.code not in {"money_malformed", "malformed"}:
                slipped.append((value, answer.status))

    assert slipped == []
