"""manage.py beat: send periodic tasks when they are due; any number may run, one leads."""

import os
import threading
from typing import Any

import psycopg
from django.core.management.base import BaseCommand
from django.db import connection

from megatron.beat import install_schedule
from megatron.celery import app

LEADER_KEY = 0x6D656761
STAND_BY_S = 1.0
WATCH_S = 2.0
LOST_LEADERSHIP = 70


class Command(BaseCommand):
    """Wait for the leader's lock, then run Celery's scheduler in this very process.

    A scheduler in a child could outlive the lock that entitles it, and two would schedule at once.
    """

    help = "Send the periodic tasks that are due; any number may run, one of them leads."

    def handle(self, *args: Any, **options: Any) -> None:
        """Lead or stand by, for ever."""
        lock = _lock_connection()
        pause = threading.Event()
        while not _try_lock(lock):
            pause.wait(STAND_BY_S)
        install_schedule()
        threading.Thread(target=_watch, args=(lock,), name="leadership", daemon=True).start()
        app.Beat(quiet=True).run()


def _lock_connection() -> psycopg.Connection[Any]:
    # The pool would lend the session that holds the lock to somebody else.
    parameters = connection.get_connection_params()
    wanted = {k: v for k, v in parameters.items() if k not in {"pool", "cursor_factory", "context"}}
    return psycopg.connect(**wanted, autocommit=True)


def _try_lock(lock: psycopg.Connection[Any]) -> bool:
    row = lock.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_KEY]).fetchone()
    return bool(row and row[0])


def _watch(lock: psycopg.Connection[Any]) -> None:
    """End the process at once when the lock's session is lost: somebody else may lead by now."""
    pause = threading.Event()
    while not pause.wait(WATCH_S):
        try:
            lock.execute("SELECT 1")
        except psycopg.Error:
            os._exit(LOST_LEADERSHIP)
