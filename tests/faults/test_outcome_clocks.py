"""Clocks of sessions, none to three: orders wait for one, and each tick is taken once."""

import time

import pytest

from exchange.models import Command, OutcomeTick
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
def test_any_number_of_clocks_takes_each_tick_once(
    clocks: list[Process],  # noqa: F811
    count: int,
) -> None:
    session = running_session(batch_ms="100")
    players = [joined(session) for _ in range(4)]
    for process in clocks[:count]:
        process.start()
    for n in range(40):
        ask(players[n % 4], "buy", f"{n % 3}y", "1")
        time.sleep(0.05)
    until(lambda: not Command.objects.filter(batch_seq=None).exists())

    without_gap(session)
    found = list(OutcomeTick.objects.order_by("seq").values_list("number", "t_ms"))
    assert all(t_ms == 100 * number for number, t_ms in found)
    assert Command.objects.filter(market=session.market, accepted=True).count() == 40


def test_a_killed_clock_goes_on_with_the_tick_that_it_missed(
    clocks: list[Process],  # noqa: F811
) -> None:
    session = running_session(batch_ms="500")
    player = joined(session)
    clocks[0].start()
    ask(player, "buy", "0y", "1")
    until(OutcomeTick.objects.exists)
    clocks[0].kill()
    before = list(OutcomeTick.objects.values_list("number", flat=True))
    missed = []
    for _ in range(6):
        missed.append(ask(player, "buy", "0y", "1"))
        time.sleep(0.3)
    assert list(OutcomeTick.objects.values_list("number", flat=True)) == before

    clocks[0].start()
    until(lambda: not Command.objects.filter(batch_seq=None).exists())

    without_gap(session)
    after = OutcomeTick.objects.exclude(number__in=before).order_by("number")
    numbers = {row.seq: row.number for row in after}
    assert list(numbers.values()) == sorted({taken.tick for taken in missed})
    for taken in missed:
        row = Command.objects.get(pk=taken.id)
        assert row.batch_seq is not None
        assert numbers[row.batch_seq] == taken.tick
