"""Clocks of sessions, none to three: orders wait for one, and each tick is taken once."""

import threading
import time

import pytest
from django.db import connection

from exchange.models import Command, OutcomeTick
from exchange.services.outcome import tick
from tests.factories import ask, joined, running_session
from tests.faults.site import Process
from tests.faults.test_outcome_sessions import clocks, until, without_gap  # noqa: F401

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600), pytest.mark.usefixtures("books")]


def test_without_a_clock_orders_wait_and_then_go_through(
    clocks: list[Process],  # noqa: F811
) -> None:
    session = running_session(batch_ms="100")
    players = [joined(session) for _ in range(5)]
    for n in range(40):
        ask(players[n % 5], "buy", f"{n % 3}y", "1")
    time.sleep(0.5)
    assert not OutcomeTick.objects.exists()

    clocks[0].start()

    until(lambda: not Command.objects.filter(batch_seq=None).exists())
    without_gap(session)
    assert Command.objects.filter(market=session.market, accepted=True).count() == 40


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_clocks_takes_each_tick_once(count: int) -> None:
    session = running_session(batch_ms="100")
    players = [joined(session) for _ in range(4)]
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            tick.advance(session.market_id)
            stop.wait(0.01)
        connection.close()

    threads = [threading.Thread(target=keep) for _ in range(count)]
    for thread in threads:
        thread.start()
    for n in range(40):
        ask(players[n % 4], "buy", f"{n % 3}y", "1")
        stop.wait(0.02)
    stop.wait(0.3)
    stop.set()
    for thread in threads:
        thread.join()

    assert not Command.objects.filter(market=session.market, batch_seq=None).exists()
    found = list(OutcomeTick.objects.order_by("seq").values_list("seq", "number", "t_ms"))
    assert [seq for seq, _, _ in found] == list(range(1, len(found) + 1))
    assert all(t_ms == 100 * number for _, number, t_ms in found)
