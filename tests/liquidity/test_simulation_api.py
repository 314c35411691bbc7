"""Simulations for programs: asked for, read with their report, pinned, and who is refused."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from exchange.engines.units import parse_fixed
from exchange.models import Market, User
from exchange.services import tokens
from liquidity.models import SimulationRun
from liquidity.tasks import simulations_advance
from tests.api.caller import Answer, Caller
from tests.factories import open_market

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
ALL = "liquidity/simulations/"
SHORT = {"days": "2", "paths": "3", "whale_day": "1"}


def ask(caller: Caller, **body: Any) -> Answer:
    return caller.post(ALL, {"scenario": SHORT, **body})


def finished(caller: Caller, **body: Any) -> str:
    """Return the address of a run that is done."""
    made = ask(caller, **body).json
    simulations_advance()
    return f"{ALL}{made['id']}/"


def micro(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_fixed(text.removeprefix("-"), 6)


@pytest.fixture
def as_alice(alice: User) -> Caller:
    return Caller(alice)


@pytest.fixture
def gas(db: None) -> Market:
    return open_market("gas", soft_cap="1000", hard_cap="2000")


def test_asks_for_one(as_alice: Caller) -> None:
    answer = ask(as_alice, parameters={"fee": "0.01"})

    assert answer.status == 201
    made = answer.json
    assert (made["state"], made["progress"], made["report"]) == ("queued", "0.00000000", None)
    assert (made["parameters"]["fee"], made["scenario"]["days"]) == ("0.01000000", "2")
    assert as_alice.get(f"{ALL}{made['id']}/").json == made


def test_reads_the_report(as_alice: Caller) -> None:
    read = as_alice.get(finished(as_alice)).json
    report, stored = read["report"], SimulationRun.objects.get().report

    assert (read["state"], read["progress"]) == ("done", "1.00000000")
    assert [micro(text) for text in report["results"]] == stored["profits_micro"]
    for result, parts in zip(report["results"], report["parts"], strict=True):
        assert sum(micro(text) for text in parts.values()) == micro(result)
    assert micro(report["worst_day"]["change"]) == stored["worst_day"]["change_micro"]
    assert [row["size"] for row in report["slippage"]][:2] == ["10.000000", "50.000000"]
    assert report["slippage"][5]["slippage_mean"] is None
    assert len(report["days"]) == 2


def test_reads_a_path_by_the_hour(as_alice: Caller) -> None:
    address = finished(as_alice)

    path = as_alice.get(f"{address}paths/1/").json

    assert path["result"] == as_alice.get(address).json["report"]["results"][1]
    assert {len(column) for column in path["hours"].values()} == {49}
    assert path["hours"]["market_price"][0] == "10.000000000000"
    assert as_alice.get(f"{address}paths/3/").code == "not_found"


def test_one_open_run_each(as_alice: Caller, nothing_happened: Nothing) -> None:
    ask(as_alice)

    with nothing_happened():
        answer = ask(as_alice)

    assert (answer.status, answer.code) == (429, "too_many")
    assert answer.headers["Retry-After"] == "12"
    assert SimulationRun.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"parameters": {"fee": "0.5"}}, 422, "config_invalid"),
        ({"parameters": {"fee": 0.01}}, 400, "money_malformed"),
        ({"parameters": {"colour": "1"}}, 400, "field_unknown"),
        ({"parameters": {"vesting": "1"}}, 400, "field_unknown"),
        ({"scenario": {"days": "1000"}}, 422, "scenario_invalid"),
        ({"scenario": {"days": "1e2"}}, 422, "scenario_invalid"),
        ({"scenario": {"weather": "1"}}, 400, "field_unknown"),
        ({"scenario": []}, 400, "malformed"),
        ({"user": "1"}, 400, "field_unknown"),
        ({"market": "none"}, 404, "not_found"),
    ],
)
def test_refuses(
    as_alice: Caller, nothing_happened: Nothing, body: dict[str, Any], status: int, code: str
) -> None:
    with nothing_happened():
        answer = ask(as_alice, **body)

    assert (answer.status, answer.code) == (status, code)
    assert SimulationRun.objects.count() == 0


def test_says_which_figure_cannot_be(as_alice: Caller) -> None:
    fields = ask(as_alice, scenario={"days": "1000"}).fields

    assert fields == {"rule": "range", "field": "days", "value": "1000"}


def test_pins_for_good(as_alice: Caller, gas: Market) -> None:
    address = finished(as_alice, market="gas")

    done = as_alice.post(f"{address}pin/", {"market": "gas"})
    again = as_alice.post(f"{address}pin/", {"market": "gas"})

    assert (done.status, done.json["market"]) == (200, "gas")
    assert done.json["pinned_at"] is not None
    assert (again.status, again.code) == (422, "simulation_unfit")
    worst = Caller().get(address).json["report"]["worst_day_share"]
    assert Caller().get("liquidity/pools/gas/").json["worst_day"] == worst


def test_a_run_of_other_parameters_does_not_fit(as_alice: Caller, gas: Market) -> None:
    address = finished(as_alice, market="gas", parameters={"fee": "0.01"})

    answer = as_alice.post(f"{address}pin/", {"market": "gas"})

    assert (answer.code, answer.fields) == ("simulation_unfit", {"reason": "config"})


def test_pages_of_runs(as_alice: Caller) -> None:
    made = [finished(as_alice)[len(ALL) : -1] for _ in range(3)]

    first = as_alice.get(ALL, limit="2").json
    rest = as_alice.get(ALL, limit="2", cursor=first["next"]).json

    assert [row["id"] for row in (*first["results"], *rest["results"])] == made[::-1]
    assert rest["next"] is None


def test_charlie_and_strangers(
    as_alice: Caller, charlie: User, gas: Market, nothing_happened: Nothing
) -> None:
    address = finished(as_alice, market="gas")
    stranger, other = Caller(), Caller(charlie)

    with nothing_happened():
        for caller in (stranger, other):
            assert caller.get(address).code == "not_found"
            assert caller.get(f"{address}paths/0/").code == "not_found"
        assert other.post(f"{address}pin/", {"market": "gas"}).code == "not_found"
        assert other.get(ALL).json["results"] == []
        assert stranger.get(ALL).code == ask(stranger).code == "not_signed_in"
        assert stranger.post(f"{address}pin/", {"market": "gas"}).code == "not_signed_in"
    as_alice.post(f"{address}pin/", {"market": "gas"})

    assert stranger.get(address).json == as_alice.get(address).json
    assert stranger.get(f"{address}paths/0/").status == 200
    assert other.post(f"{address}pin/", {"market": "gas"}).code == "not_allowed"


def test_a_token_needs_its_scope(alice: User) -> None:
    callers = {
        scope: Caller(secret=tokens.create(user=alice, name="bot", scopes=[scope])[1])
        for scope in ("read", "trade")
    }

    assert ask(callers["read"]).code == "scope_missing"
    assert callers["trade"].get(ALL).code == "scope_missing"
    assert ask(callers["trade"]).status == 201
    assert callers["read"].get(ALL).status == 200
