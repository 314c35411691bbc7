"""manage.py bots: the demonstration's bots, an order every few seconds in markets and session."""

import random
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from exchange import live
from megatron.demo import bots, people, session

PAUSE_S = (1.5, 6.0)


class Command(BaseCommand):
    """Trade until asked to stop. Only in a demonstration."""

    help = "Let the demonstration's bots trade; refuses to run anywhere else."

    def handle(self, *args: Any, **options: Any) -> None:
        """Place an order, wait, repeat."""
        if not people.allowed():
            self.stderr.write("bots trade in a demonstration only: set MEGATRON_DEMO=1")
            return
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        dice = random.Random()  # noqa: S311 (a bot's mood guards nothing)
        users = people.bots()
        while not stop.wait(dice.uniform(*PAUSE_S)):
            live.mark("bots")
            try:
                bots.trade_once(dice, users, bots.key())
                session.play_once(dice, users)
            except DatabaseError as fault:
                self.stderr.write(f"bots wait for the database: {fault}")
            close_old_connections()
