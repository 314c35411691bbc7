"""manage.py bench: measure the site against its limits and print one line of JSON."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from megatron.binaries import NotStarted
from megatron.embedded import Embedded, database_url, redis_url, state_dir, tied

NAMES = (
    "settlement", "fanout", "charts", "engines", "outcome", "session", "oracle", "readers",
    "deposits", "withdrawals", "pages",
)  # fmt: skip
# Only trades are also measured where a commit waits for no disk.
IN_MEMORY = frozenset({"settlement"})
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
MEMORY_BYTES_MIN = 4 * 2**30


class Command(BaseCommand):
    """Give a benchmark stores of its own, run it as a child, and leave nothing behind.

    DATABASE_URL and REDIS_URL replace the embedded stores; the database in it is a new one even so.
    """

    help = "Run a benchmark and print its figures as one line of JSON."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what to measure, how thoroughly, and on which stores."""
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--quick", action="store_true", help="be done in 50 seconds")
        parser.add_argument("--size", choices=("tiny", "quick", "full"), default="full")
        parser.add_argument(
            "--store",
            choices=("disk", "ram", "both"),
            help="where the embedded database lies; by default both where it matters and there is"
            " time, else on disk",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure on each store in turn and print all figures together."""
        name, size = options["name"], "quick" if options["quick"] else options["size"]
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        results: list[Any] = []
        try:
            for store in self._stores(name, size, options["store"]):
                with _stores(store) as environment:
                    label = store if store == "ram" else ""
                    results += _run(name, size, label, environment)
        except NotStarted as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"bench": name, "results": results}))

    def _stores(self, name: str, size: str, asked: str | None) -> list[str]:
        if "DATABASE_URL" in os.environ:
            return ["disk"]
        both = ["disk", "ram"]
        if asked is not None:
            return both if asked == "both" else [asked]
        if name not in IN_MEMORY or size != "full":
            return ["disk"]
        free = shutil.disk_usage(MEMORY).free if MEMORY.is_dir() else 0
        if free < MEMORY_BYTES_MIN:
            self.stderr.write(f"not measured in memory: {MEMORY} has {free // 2**20} MiB free")
            return ["disk"]
        return both


@contextlib.contextmanager
def _stores(store: str) -> Iterator[dict[str, str]]:
    """Start what is not given and make a new database in it; yield the child's environment."""
    run = f"bench-{os.getpid()}"
    home = MEMORY / f"megatron-{run}" if store == "ram" else state_dir() / run
    servers = Embedded(
        home, postgres="DATABASE_URL" not in os.environ, valkey="REDIS_URL" not in os.environ
    )
    try:
        with servers:
            given = os.environ.get("DATABASE_URL", database_url(home))
            (home / "static").mkdir(parents=True, exist_ok=True)
            with _database(given) as url:
                yield {
                    "DATABASE_URL": url,
                    "REDIS_URL": os.environ.get("REDIS_URL", redis_url(home)),
                    "REDIS_PREFIX": f"{run}-{uuid.uuid4().hex[:8]}",
                    "MEGATRON_STATE": str(home),
                    "ORACLE_MODELS_DIR": str(settings.ORACLE_MODELS_DIR),
                    "STATIC_ROOT": str(home / "static"),
                    "STATIC_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
                }
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(servers.sockets, ignore_errors=True)


@contextlib.contextmanager
def _database(given: str) -> Iterator[str]:
    """Make a database on the server of `given` and drop it afterwards."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(given, autocommit=True) as raw:
        raw.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            raw.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _run(name: str, size: str, label: str, environment: dict[str, str]) -> list[Any]:
    """Run the benchmark in a process of its own, for Django has one database for ever."""
    words = [sys.executable, "-m", "tests.bench", name, "--size", size]
    done = subprocess.run(  # noqa: S603 (our own module, from a list of names)
        [*words, "--store", label],
        cwd=settings.BASE_DIR,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        preexec_fn=tied(signal.SIGTERM),
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise CommandError(f"the benchmark failed with code {done.returncode}")
    results: list[Any] = json.loads(done.stdout.splitlines()[-1])["results"]
    return results
