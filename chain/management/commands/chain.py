"""manage.py chain: follow every network; scan, pay, settle."""

import os
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chain.services import follow


class Command(BaseCommand):
    """Follow the chains until a signal asks to stop; any number may run."""

    help = "Scan the networks for deposits, and carry withdrawals to their end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say whether the development chain is to be set up first."""
        parser.add_argument("--embedded", action="store_true", help="set the devnet up first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow."""
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        if options["embedded"] and os.environ.get("CHAIN_RPC_URL"):
            follow.prepare_embedded(stop)
        follow.follow(stop)
