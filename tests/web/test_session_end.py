"""The end of a session: ranking, replay from the log, tables; and the demonstration's session."""

import random

import pytest
from django.db import connection
from django.test import Client

from exchange import clock
from exchange.engines.units import MICRO
from exchange.models import Command, LiveState, Market, OutcomeOrder, OutcomeTick, Session, User
from exchange.selectors.outcome import graph, ranking, series
from exchange.selectors.portfolio import money
from exchange.services.outcome import orders as session_orders
from exchange.services.sessions import host as hosting
from exchange.services.sessions import lobby
from megatron.demo import people
from megatron.demo import session as demo
from tests.factories import ask, host_user, joined, key, open_session, running_session
from tests.factories import ticked as tick
from tests.web.pages import body, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    """Return a session that is over: a rest order of ticks 2 to 8, and some trades."""
    session = running_session(total_duration_ms="9000", planned_winner=0, gas_fee="0.1")
    ann, ben = joined(session, "Ann"), joined(session, "Ben")
    with clock.shifted(1):
        ask(ann, "buy", "0y", "50")
        ask(ben, "buy", "1y", "10", price="0.2")
    tick(session, 3)
    with clock.shifted(4):
        ask(ben, "buy", "0n", "20")
    tick(session, 12)
    session.refresh_from_db()
    assert session.market.status == Market.Status.RESOLVED
    return session


def _replay(client: Client, session: Session, number: int) -> str:
    return text(client.get(f"/sessions/{session.code}/replay/?tick={number}"))


def test_ranks_and_tells_who_won(client: Client, session: Session) -> None:
    page = client.get(f"/sessions/{session.code}/")

    assert "Won Ant" in text(page)
    rows = text(page).partition("Ranking")[2]
    assert rows.index("Ann") < rows.index("Ben")
    for table in ("ranking", "ticks", "trades"):
        address = f"/api/v1/sessions/{session.code}/exports/{table}.csv"
        assert address in body(page)
        assert client.get(address).status_code == 200


def test_taking_an_order_back_pays_no_gas_again() -> None:
    session = running_session(gas_fee="0.1", batch_ms="500")
    zoe = joined(session, "Zoe")
    ask(zoe, "buy", "0y", "10", price="0.1")
    tick(session, 1)
    session_orders.order_cancel(participant=zoe, ref=OutcomeOrder.objects.get().ref, key=key())
    tick(session, 2)

    (row,) = ranking.ranking(session)

    assert (row.gas_micro, row.gain_micro) == (MICRO // 10, -MICRO // 10)


def test_a_ranking_of_real_money_is_of_gains_alone(client: Client, alice: User, bob: User) -> None:
    """Nobody was given a balance, so there is no final sum and nothing a gain were a part of."""
    host = host_user("10000")
    session = open_session(host, money="real", gas_fee="0.1")
    both = [joined(session, "Ann", alice), joined(session, "Ben", bob)]
    lobby.session_start(host=host, session=session)
    ask(both[0], "buy", "0y", "100")
    ask(both[1], "buy", "0n", "100")
    tick(session, 2)
    tick(session, 601)
    hosting.resolve(host=host, session=session, winner=0)
    tick(session, 603)
    gains = [money(user).cash_micro - 1_000 * MICRO for user in (alice, bob)]

    code = session.code
    rows = client.get(f"/api/v1/sessions/{code}/ranking/").json()["results"]
    table = client.get(f"/api/v1/sessions/{code}/exports/ranking.csv").content.decode()
    page = text(client.get(f"/sessions/{code}/"))

    assert gains[0] > 0 > gains[1]
    exact = [f"{gain / MICRO:.6f}" for gain in gains]
    assert [(row["name"], row["gain"]) for row in rows] == [("Ann", exact[0]), ("Ben", exact[1])]
    assert {(row["final"], row["gain_rate"]) for row in rows} == {(None, None)}
    lines = [line.split(",") for line in table.splitlines()]
    assert [line[:5] for line in lines[1:]] == [
        ["1", "Ann", "", exact[0], ""],
        ["2", "Ben", "", exact[1], ""],
    ]
    ranked = page.partition("Place and name")[2].partition("Over time")[0]
    assert "Final USDC" not in ranked
    assert "%" not in ranked
    assert f"1 Ann ▲ gain +{gains[0] / MICRO:.2f}" in ranked
    assert f"2 Ben ▼ loss \N{MINUS SIGN}{-gains[1] // MICRO}." in ranked


def test_says_how_many_batches_there_were(client: Client, session: Session) -> None:
    ticks = OutcomeTick.objects.filter(market_id=session.pk)
    page = text(client.get(f"/sessions/{session.code}/"))

    assert ticks.count() < ticks.latest("number").number
    assert f"Batches {ticks.count()} " in page


def test_replays_any_tick_as_it_was(client: Client, session: Session) -> None:
    traded = OutcomeTick.objects.filter(market_id=session.pk, fills__gt=0).latest("number").number
    start, middle = _replay(client, session, 0), _replay(client, session, traded - 1)
    busy, last = _replay(client, session, traded), _replay(client, session, 10**9)

    assert "After tick 0 , at 0:00" in start
    assert "Ant 0.500 0.500" in start
    assert "Bee YES buy 10 at 0.20" in middle
    assert "None." in middle
    assert "20 NO Ant at" in busy
    assert "buy 10 at 0.20" not in last
    assert "Ann" not in middle + busy


def test_a_graph_keeps_its_bounds_and_its_end(session: Session) -> None:
    every = graph.sampled(session, 1_000)
    kept = list(series.ticks(session))

    assert len(every) > 1
    assert [point.number for point in every] == [tick.number for tick in kept]
    assert every[-1].volume_micro == sum(tick.volume_micro for tick in kept)
    assert graph.sampled(session, 1) == every[-1:]


@pytest.mark.breaks_books
@pytest.mark.parametrize("points", [2, 100, 1_000])
def test_a_long_session_costs_no_more_than_a_short_one(client: Client, points: int) -> None:
    read = []
    for batches in (1_000, 4_000):
        session = running_session()
        _lasts(session, batches)
        before = _rows_read()
        answer = client.get(f"/api/v1/sessions/{session.code}/series/?points={points}")
        read.append(_rows_read() - before)
        found = answer.json()["results"]

        assert len(found) == points
        assert found[-1]["number"] == batches
        assert found[-1]["volume"] == f"{batches * 3}.000000"

    assert read == [points, points]


def _lasts(session: Session, batches: int) -> None:
    """Give a session a course of so many batches."""
    names = "market_id, seq, number, t_ms, at, status, prices, volume_micro, state_hash"
    zeros = (
        "z_e9, backing, redemption_micro, pool_micro, pairs_micro, fees_micro, seigniorage_micro,"
        " gas_micro, risk_micro, profit_micro, commands, fills"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO exchange_outcometick ({names}, {zeros}) SELECT %s, n, n, n * 100, now(),"
            " 'trading', '[[1, 2], [1, 2], [1, 2]]', 3000000, '\\x00'::bytea"
            f"{', 0' * 12} FROM generate_series(1, %s) AS n ORDER BY n",
            [session.pk, batches],
        )
    LiveState.objects.filter(pk=session.pk).update(batch_seq=batches)


def _rows_read() -> int:
    """Return how many rows of ticks this transaction has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'exchange_outcometick'"
        )
        return int(cursor.fetchone()[0])


def test_what_runs_is_not_replayed(client: Client) -> None:
    running = running_session()

    assert client.get(f"/sessions/{running.code}/replay/").status_code == 404


def test_the_demonstration_always_has_a_session() -> None:
    dice = random.Random(1)
    people.create()
    users = people.bots()

    for _ in range(30):
        demo.play_once(dice, users)
    (session,) = Session.objects.all()
    tick(session, 2)

    assert session.market.is_demo
    assert Command.objects.filter(market_id=session.pk, kind="order").count() > 10
    assert "bot" in text(Client().get(f"/sessions/{session.code}/parts/people/"))
    assert session.market.name in text(Client().get("/sessions/"))
    tick(session, 1_830)
    with clock.shifted(1_835):
        demo.play_once(dice, users)
        assert Session.objects.count() == 1
    with clock.shifted(2_400):
        demo.play_once(dice, users)
    assert Session.objects.count() == 2
