"""manage.py clock: heartbeats of the markets, ticks of the sessions, and the news."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from exchange import garbage
from exchange.services import duties


class Command(BaseCommand):
    """Run every duty in a thread of its own until a signal asks to stop."""

    help = "Keep the markets' clocks going and publish news; any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the threads and wait."""
        garbage.settle_down()
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        threads = [
            threading.Thread(target=duties.serve, args=("news", duties.publish_news, stop)),
            threading.Thread(target=duties.serve, args=("time", duties.keep_time, stop)),
            threading.Thread(target=duties.serve, args=("sessions", duties.keep_sessions, stop)),
        ]
        for thread in threads:
            thread.start()
        # wait in short steps: a signal cannot interrupt an untimed join of another thread
        while not stop.wait(0.5):
            if not all(thread.is_alive() for thread in threads):
                stop.set()
        for thread in threads:
            thread.join()
