"""`manage.py readers`: the one process of this host that holds the weights and reads for all."""

import importlib
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from exchange import live
from oracle.analysts import choices, runtimes, weights
from oracle.analysts.here import Here
from oracle.services.model_process import ModelProcess, unchanged

MARK, WAIT_S = "readers", 10.0


class Command(BaseCommand):
    """Waits for weights, loads them, answers on a Unix socket, and starts anew when they change."""

    help = "Load the readers' weights once and serve every worker of this host."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the socket, for who wants another than the settings'."""
        parser.add_argument("--socket", type=Path, default=Path(settings.ORACLE_READERS_SOCKET))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until a signal."""
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        if not weights.any_present():
            self.stdout.write("no weights here yet (manage.py fetch_models); waiting")
        while not weights.any_present():
            if stop.wait(WAIT_S):
                return
            importlib.invalidate_caches()
        self._serve(options["socket"], stop)
        if not stop.is_set():
            self.stdout.write("the weights have changed; starting anew")
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 (this very command)

    def _serve(self, path: Path, stop: threading.Event) -> None:
        same, nets = unchanged(), Here()
        nets.load()
        process = ModelProcess(path, nets)
        for name, row in sorted(process.state()["models"].items()):
            found = choices.chosen(name, runtimes.machine())
            why = found.told() if found and found.runtime == row["runtime"] else row["runtime"]
            self.stdout.write(f"reading with {name} in {why}")

        def look() -> bool:
            live.mark(MARK)
            return same()

        live.mark(MARK)
        process.serve(stop, look)
