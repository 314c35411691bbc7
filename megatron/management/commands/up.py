"""manage.py up: the whole site on this machine, from nothing to trading, until Ctrl-C."""

import contextlib
import os
import shutil
import signal
import socket
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from exchange import clock
from megatron import processes, start_check
from megatron.beat import install_schedule
from megatron.binaries import NotStarted
from megatron.demo import people
from megatron.embedded import Embedded, state_dir
from megatron.single import AlreadyRunning, only_one
from megatron.supervisor import Part, Supervisor

PORT_FIRST = 8000
CHAIN_PORT_FIRST = 8545
PORTS_TRIED = 50
LOOK_S = 0.2
ANSWER_S_MAX = 60.0
READERS_LOOK_S = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    """Start servers and processes in order, look after them, and leave nothing behind."""

    help = "Run the whole site on this machine: database, broker, web, clock, worker, beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and whether only to check."""
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", PORT_FIRST)))
        parser.add_argument("--check", action="store_true", help="start, examine, report, stop")
        parser.add_argument("--fetch-readers", action="store_true", help="install them meanwhile")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal asks to stop, or until the check is done."""
        self.began = clock.monotonic()
        # Until the stop itself a signal interrupts whatever is going on, as Ctrl-C does.
        for name in SIGNALS:
            signal.signal(name, signal.default_int_handler)
        try:
            with only_one(state_dir()) as note, self._stores() as stores:
                self._run(note, stores, options)
        except (AlreadyRunning, NotStarted) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self._say("stopped")

    def _run(self, note: Any, stores: Embedded, options: dict[str, Any]) -> None:
        self._prepare()
        port = self._free_port(options["host"], options["port"])
        address = f"http://{options['host']}:{port}/"
        note(_spoken(address))
        supervisor = Supervisor(self._say)
        try:
            wanted = processes.parts(host=options["host"], port=port)
            for part in [*self._chain_parts(), *wanted]:
                supervisor.add(part)
            if options["check"]:
                self._check(supervisor, address)
                return
            if options["fetch_readers"]:
                supervisor.add(processes.readers_install())
            self._greet(address)
            self._look_after(supervisor, stores)
        finally:
            for name in SIGNALS:
                signal.signal(name, signal.SIG_IGN)
            supervisor.stop()

    @contextlib.contextmanager
    def _stores(self) -> Iterator[Embedded]:
        """Run the servers for which no address is given."""
        stores = Embedded(
            state_dir(),
            postgres="DATABASE_URL" not in os.environ,
            valkey="REDIS_URL" not in os.environ,
        )
        stores.start()
        try:
            yield stores
        finally:
            connection.close()
            stores.stop()

    def _prepare(self) -> None:
        """Bring the tables, the schedule, the demonstration and the static files up to date."""
        self._say("database and broker answer")
        call_command("migrate", verbosity=0, interactive=False)
        install_schedule()
        self._say("tables are up to date")
        self.log_ins = []
        if settings.DEMO:
            if "seed" in get_commands():
                call_command("seed", verbosity=0)
            self.log_ins = people.create()
            self._say("the demonstration is seeded")
        call_command("collectstatic", verbosity=0, interactive=False)
        self._say("static files are collected")
        # Figures of processes that are gone would be added to those that run.
        shutil.rmtree(processes.metrics_dir(), ignore_errors=True)
        processes.metrics_dir().mkdir()
        # The children fork from here on: no pool with its threads may be left open.
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()

    def _chain_parts(self) -> list[Part]:
        """Return the chain's processes, a chain of our own among them where no other is given."""
        if "CHAIN_RPC_URL" in os.environ:
            return processes.chain_parts(0)
        if not settings.DEMO:
            return []
        return processes.chain_parts(self._free_port("127.0.0.1", CHAIN_PORT_FIRST))

    def _free_port(self, host: str, wanted: int) -> int:
        for port in range(wanted, wanted + PORTS_TRIED):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    probe.bind((host, port))
                    if port != wanted:
                        self._say(f"port {wanted} is taken by another program; using {port}")
                    return port
        raise CommandError(f"no free port from {wanted} to {wanted + PORTS_TRIED - 1} on {host}")

    def _greet(self, address: str) -> None:
        if not start_check.answers(address, within_s=ANSWER_S_MAX):
            self._say(f"no answer from {address} yet; see the lines above")
            return
        lines = ["", f"Megatron is at {_spoken(address)}   (Ctrl-C stops everything)"]
        lines += [
            f"  {who['role']:<8} {who['email']:<22} password {who['password']}"
            for who in self.log_ins
        ]
        self.stdout.write("\n".join([*lines, ""]))
        self.stdout.flush()

    def _look_after(self, supervisor: Supervisor, stores: Embedded) -> None:
        pause = threading.Event()
        looked = clock.monotonic() - READERS_LOOK_S
        while not pause.wait(LOOK_S):
            supervisor.look()
            if clock.monotonic() - looked > READERS_LOOK_S:
                looked = clock.monotonic()
                self._read_if_wanted(supervisor)
            try:
                for name in stores.revive():
                    self._say(f"{name} had ended; it runs again")
            except NotStarted as error:
                self._say(f"trying again: {error}")

    def _read_if_wanted(self, supervisor: Supervisor) -> None:
        """Start the model process as soon as there are weights; from then on it is looked after."""
        if processes.READERS not in supervisor.children and processes.readers_wanted():
            self._say("weights are here; starting the readers")
            supervisor.add(processes.readers())

    def _check(self, supervisor: Supervisor, address: str) -> None:
        results = start_check.examine(supervisor, address, began=self.began)
        good = True
        for result in results:
            self.stdout.write(result.line())
            good = good and result.ok
        if not good:
            raise CommandError("not everything is well")

    def _say(self, words: str) -> None:
        self.stdout.write(f"==> {clock.monotonic() - self.began:5.1f} s  {words}")
        self.stdout.flush()


def _spoken(address: str) -> str:
    # Browsers allow passkeys without TLS at this name, and at no number.
    return address.replace("//127.0.0.1:", "//localhost:")
