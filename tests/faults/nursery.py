"""A process that forks traders, so that one can be killed and its successor trades at once.

Run as a program it reads one plan per line, forks a worker for it and answers with its number.
"""

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ROOT = Path(__file__).resolve().parents[2]
RETRY_S = 0.05


@dataclass(kw_only=True)
class Plan:
    """What a worker does: `threads` streams of keys, on from where the acknowledgements end."""

    acks: str
    markets: list[int]
    users: list[int]
    name: str = "key"
    threads: int = 3
    keys: int = 10**6
    kinds: list[str] = field(default_factory=lambda: ["buy", "sell", "claim", "deposit", "hold"])
    die_at: str = ""
    die_count: int = 0

    @property
    def stop(self) -> Path:
        """Return the file whose presence asks the worker to finish."""
        return Path(f"{self.acks}.stop")


@dataclass(frozen=True)
class Ack:
    """One key whose answer reached its asker."""

    key: str
    kind: str
    market: int
    user: int
    answer: Any


def database_url(name: str, url: str | None = None) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(url or os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def read_acks(path: str | Path) -> list[Ack]:
    """Return what was acknowledged; a line that a kill cut short was not."""
    if not Path(path).exists():
        return []
    lines = Path(path).read_text().split("\n")[:-1]
    return [Ack(**json.loads(line)) for line in lines]


class Nursery:
    """The forking process, seen from the test."""

    # the program that forks
    module = "tests.faults.nursery"

    def __init__(self, **environment: str) -> None:
        from megatron.embedded import tied

        self.workers: set[int] = set()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=tied(signal.SIGKILL),  # noqa: PLW1509 (one system call)
        )

    def start(self, plan: "DataclassInstance") -> int:
        """Start a worker and return its number."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(plan)) + "\n")
        self.process.stdin.flush()
        worker = int(self.process.stdout.readline())
        self.workers.add(worker)
        return worker

    def kill(self, worker: int) -> None:
        """Kill a worker of ours without a word."""
        assert worker in self.workers
        if self.runs(worker):
            os.kill(worker, signal.SIGKILL)
        self.join(worker)

    def join(self, worker: int, patience_s: float = PATIENCE_S) -> None:
        """Wait until a worker is gone."""
        deadline = time.monotonic() + patience_s
        while self.runs(worker):
            assert time.monotonic() < deadline, f"worker {worker} does not end"
            time.sleep(0.01)

    def runs(self, worker: int) -> bool:
        """Say whether a worker of ours is alive, and still is the process that we started."""
        try:
            parent = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            return False
        return int(parent) == self.process.pid

    def close(self) -> None:
        """End all of them."""
        for worker in self.workers:
            self.kill(worker)
        self.process.kill()
        self.process.communicate()


class Worker:
    """The forked trader."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.out = os.open(plan.acks, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self.done = [0] * plan.threads
        for ack in read_acks(plan.acks):
            stream, number = ack.key.split("-")[-2:]
            self.done[int(stream)] = max(self.done[int(stream)], int(number) + 1)

    def run(self) -> None:
        """Ask for every key of every stream until told to stop."""
        _arm(self.plan.die_at, self.plan.die_count)
        threads = [
            threading.Thread(target=self._stream, args=(n,)) for n in range(self.plan.threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _stream(self, stream: int) -> None:
        for number in range(self.done[stream], self.plan.keys):
            if self.plan.stop.exists():
                return
            self._until_answered(f"{self.plan.name}-{stream}-{number:06}")

    def _until_answered(self, key: str) -> None:
        from django.db import DatabaseError, close_old_connections

        from exchange.errors import MegatronError, Unavailable

        choice = random.Random(key)
        kind = choice.choice(self.plan.kinds)
        market, user = choice.choice(self.plan.markets), choice.choice(self.plan.users)
        answer: Any = None
        while answer is None:
            try:
                answer = _ask(kind, key, market, user)
            except (Unavailable, DatabaseError) as fault:
                if isinstance(fault, DatabaseError) and kind in {"buy", "sell", "claim"}:
                    answer = ["leaked", repr(fault)]
                time.sleep(RETRY_S)
            except MegatronError as refusal:
                answer = ["refused", refusal.code]
            finally:
                close_old_connections()
        line = json.dumps(asdict(Ack(key, kind, market, user, answer)))
        os.write(self.out, f"{line}\n".encode())


def _ask(kind: str, key: str, market: int, user: int) -> Any:
    from exchange.models import AccountKind
    from exchange.services import commands, ledger

    if kind == "deposit":
        ledger.credit_external(user_id=user, amount_micro=10**6, kind="deposit", ref=key)
        return "booked"
    if kind == "hold":
        ledger.hold(user_id=user, amount_micro=10**5, ref=key)
        if key[-1] in "02468":
            ledger.void(ref=key)
        else:
            till = ledger.account(kind=AccountKind.FEES)
            ledger.capture(ref=key, to=till)
        return "closed"
    size = {"buy": {"amount_micro": 5 * 10**6}, "sell": {"shares_nano": 10**8}, "claim": {}}
    receipt = commands.submit(
        market_id=market, kind=kind, payload=size[kind], key=key, user_id=user
    )
    return [receipt.id, receipt.seq, receipt.batch_seq, receipt.settled_s, receipt.result]


def _arm(moment: str, count: int) -> None:
    """Kill this process at the count-th statement, or just before or after a commit."""
    import psycopg

    if not moment:
        return
    seen = 0

    def passes(name: str) -> None:
        nonlocal seen
        seen += name == moment
        if name == moment and seen == count:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            passes(f"before {name}")
            done = real(*args, **named)
            passes(f"after {name}")
            return done

        return call

    for place, name in ((psycopg.Cursor, "execute"), (psycopg.Connection, "commit")):
        moment_of = "statement" if name == "execute" else name
        setattr(place, name, around(getattr(place, name), moment_of))


def serve(live: Callable[[str], None], *modules: str) -> None:
    """Fork a process for each line that comes, with those modules there, and let it live that."""
    import django

    from megatron import embedded

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "megatron.settings")
    django.setup()
    for module in modules:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            embedded.tie_to_parent()
            # its parent alone answers there
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            try:
                live(line)
            finally:
                os._exit(0)
        sys.stdout.write(f"{worker}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(lambda line: Worker(Plan(**json.loads(line))).run(), "exchange.services.commands")
