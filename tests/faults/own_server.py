"""A durable PostgreSQL of this test alone, which may be killed because it is proven to be ours."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

from megatron import embedded

GONE_S_MAX = 30.0


class OwnServer:
    """The server, its files and its processes."""

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="mg-pg-"))
        self.state.chmod(0o755)
        self.pair = embedded.Embedded(self.state, durable=True, valkey=False).start()

    @property
    def url(self) -> str:
        """Return the address of its database."""
        return embedded.database_url(self.state)

    @property
    def data(self) -> Path:
        """Return the directory of its files."""
        return next(self.state.glob("pg[0-9]*"))

    @property
    def postmaster(self) -> int:
        """Return its first process, proven by the lock file and by the files it was given."""
        pid = self.pair.servers[0].process.pid
        assert (self.data / "postmaster.pid").read_text().split("\n")[0] == str(pid)
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert os.fsencode(self.data) in words
        return pid

    def backends(self) -> set[int]:
        """Return every process that works in its files."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "cwd").readlink() == self.data:
                    found.add(int(folder.name))
            except OSError:
                continue
        return found

    def stop(self, how: signal.Signals) -> None:
        """Stop the postmaster: SIGKILL is a crash, SIGINT a fast shutdown."""
        os.kill(self.postmaster, how)
        self.pair.servers[0].process.wait(GONE_S_MAX)

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self.pair.stop()
        deadline = time.monotonic() + GONE_S_MAX
        while self.backends() and time.monotonic() < deadline:
            time.sleep(0.1)
        shutil.rmtree(embedded.socket_dir(self.state), ignore_errors=True)
        shutil.rmtree(self.state, ignore_errors=True)


@contextmanager
def django_at(server: OwnServer) -> Iterator[None]:
    """Let Django speak to this server for a while, with all our tables there."""
    told: dict[str, Any] = connection.settings_dict
    usual = {name: told[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    options, own_host = dict(told["OPTIONS"]), str(embedded.socket_dir(server.state))
    turn(NAME=embedded.NAME, HOST=own_host, PORT="", USER=embedded.NAME, PASSWORD="")
    told["OPTIONS"].pop("host", None)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        turn(**usual)
        told["OPTIONS"].update(options)


def turn(**told: str) -> None:
    """Drop this process's connections, which may be dead, and change where the next ones go."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's wrapper has pools
    connection.settings_dict.update(told)
