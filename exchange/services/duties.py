"""The duties of the clock process: any number may run, each duty has one leader at a time.

A leader holds a Postgres advisory lock on its own connection; when it dies the lock goes with the
connection and a stand-by takes over within a second.
"""

import threading
from collections.abc import Callable

import redis
import structlog
from django.db import DatabaseError, close_old_connections, connection

from exchange import clock, live
from exchange.errors import MegatronError
from exchange.services import due, locks, markets, outbox, settlement
from exchange.services.outcome import timekeeping

STAND_BY_S = 1.0
BEAT_S = 1.0
WAKE_S = 0.25
RETRY_S = 1.0

log = structlog.get_logger()


def serve(duty: str, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Do `work` whenever this process leads `duty`, until `stop`; the world's faults only delay."""
    while not stop.is_set():
        try:
            close_old_connections()
            with locks.leadership(duty) as leads:
                if leads:
                    log.info("duty.lead", duty=duty)
                    work(stop)
        except (DatabaseError, redis.RedisError) as fault:
            log.warning("duty.interrupted", duty=duty, error=str(fault)[:200])
            connection.close()
            stop.wait(RETRY_S)
        else:
            live.mark("clock")
            stop.wait(STAND_BY_S)
    connection.close()


def publish_news(stop: threading.Event) -> None:
    """Publish the outbox as soon as somebody says there is news, and every quarter second."""
    broker = outbox.client()
    with broker.pubsub(ignore_subscribe_messages=True) as bell:
        bell.subscribe(outbox.WAKE)
        while not stop.is_set():
            live.mark("clock")
            while outbox.publish(broker):
                pass
            bell.get_message(timeout=WAKE_S)


def keep_time(stop: threading.Event) -> None:
    """Heartbeats of quiet markets, overdue refunds, and commands that were left behind."""
    while not stop.wait(BEAT_S):
        live.mark("clock")
        now_s = clock.now_s()
        markets.heartbeats(now_s)
        markets.refunds_due(now_s)
        due.settlements(now_s)
        due.queues(now_s)
        due.recalibrations(now_s)
        for market_id in markets.leftovers():
            _settle(market_id)


def keep_sessions(stop: threading.Event) -> None:
    """Take the ticks of all sessions, each as its clock says."""
    while not stop.is_set():
        live.mark("clock")
        stop.wait(timekeeping.turn().wait_s)


def _settle(market_id: int) -> None:
    """Drain one market; what is wrong with it must not keep the others waiting."""
    try:
        settlement.drain(market_id)
    except MegatronError as fault:
        log.warning("duty.market_not_settled", market=market_id, code=fault.code)
