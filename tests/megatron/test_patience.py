import time

import pytest
from django.db import OperationalError, connection

from exchange import patience

pytestmark = pytest.mark.django_db(transaction=True)

LONG_S = 20


def _sleep(seconds: float, times: int = 1) -> None:
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute("SELECT pg_sleep(%s)", [seconds])


def _backend(over: object = connection) -> int:
    with over.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_waits_are_counted_and_not_the_time_between_them() -> None:
    with patience.limited(2.0):
        with patience.waiting(1.5) as first:
            assert first == 1.5
            time.sleep(0.05)
        spent = 2.0 - patience.left_s(60)
        time.sleep(0.05)

        assert 0.05 <= spent < 1.0
        assert 2.0 - patience.left_s(60) == spent


def test_a_wait_without_a_request_has_its_own_limit_only() -> None:
    with patience.waiting(7.0) as seconds:
        assert seconds == 7.0

    assert patience.left_s(7.0) == 7.0


def test_no_answer_in_time_ends_the_connection_and_the_next_one_works() -> None:
    before, began = _backend(), time.monotonic()

    with pytest.raises(OperationalError, match="in time"), patience.limited(0.2):
        _sleep(LONG_S)

    assert time.monotonic() - began < LONG_S / 2
    connection.close()
    assert _backend() != before


def test_many_short_waits_share_one_patience() -> None:
    with pytest.raises(OperationalError, match="in time"), patience.limited(0.3):
        _sleep(0.1, times=LONG_S)
    connection.close()


def test_a_session_that_the_server_ended_is_not_handed_out() -> None:
    other = connection.copy()
    ended = _backend()
    _backend(other)
    connection.close()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    other.close()

    seen = {_backend()}
    connection.close()
    seen.add(_backend())

    assert ended not in seen
