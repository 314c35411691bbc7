"""Programs that trade over HTTP, never forget a key, and hold the site to every answer."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from exchange.ids import public_id
from exchange.models import AuditRun, Command
from tests.faults.nursery import database_url
from tests.faults.site import ROOT, Answer, Order, new_key

# Where to send what: the last part of an address under a market, and the body.
Draw = tuple[str, dict[str, Any]]


@dataclass
class Trader:
    """One person's program: it orders until it is told to stop, and never forgets a key."""

    tokens: str
    slugs: list[str]
    port: int
    choice: random.Random
    stop: threading.Event
    draw: Callable[[random.Random], Draw]
    answered: list[tuple[Order, Answer]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Trade; whatever is neither an answer nor 503 is noted as a fault."""
        give_up = threading.Event()
        while not self.stop.is_set():
            where, body = self.draw(self.choice)
            slug = self.choice.choice(self.slugs)
            order = Order(slug, body, self.tokens, new_key(), where)
            answer = order.insist(self.port, give_up)
            if answer is None:
                self.faults.append(f"{order.key} was never answered")
            elif answer.status not in {201, 422}:
                self.faults.append(f"{order.where} {answer.status} {answer.raw[:300]!r}")
            else:
                self.answered.append((order, answer))
            time.sleep(self.choice.uniform(0, 0.05))


def newest_command() -> int:
    """Return the number of the log's last line."""
    return Command.objects.order_by("-id").values_list("id", flat=True)[0]


def judge(traders: list[Trader], since: int) -> None:
    """Each answer is what the log says after the command `since`, each key is in it once."""
    assert [fault for trader in traders for fault in trader.faults] == []
    told = [pair for trader in traders for pair in trader.answered]
    print(f"{len(told)} orders answered, {AuditRun.objects.count()} audits")
    assert len(told) > 5 * len(traders)
    rows = {row.key: row for row in Command.objects.exclude(user=None).filter(pk__gt=since)}
    for order, answer in told:
        row = rows[order.key]
        assert answer.status == (201 if row.accepted else 422)
        number = answer.json["id"] if row.accepted else answer.json["error"]["request_id"]
        assert number == public_id("ord", row.pk)
    assert None not in {row.accepted for row in rows.values()}
    keys = [order.key for order, _ in told]
    assert Command.objects.filter(key__in=keys).count() == len(keys)
    assert {row.key for row in rows.values()} == set(keys)


def examine() -> None:
    """The site's own examination finds nothing."""
    url = database_url(str(connection.settings_dict["NAME"]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "audit"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
