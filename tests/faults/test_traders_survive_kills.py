"""Many traders over HTTP while web processes and workers are killed: every answer stays true."""

import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest
from django.db import connection

from exchange.ids import public_id
from exchange.models import AuditRun, Command, Market
from exchange.services import tokens
from exchange.tasks import audit_run
from tests.factories import active_market, funded_user
from tests.faults.nursery import database_url
from tests.faults.scale import NIGHTLY, scaled
from tests.faults.site import ROOT, Answer, Order, Process, Web, new_key
from tests.faults.test_carriers import log_without_gap

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600), pytest.mark.usefixtures("books")]

TRADERS = scaled(16, 64)
DURATION_S = scaled(20, 60)
KILLS = scaled(4, 10)
AUDIT_EVERY_S = 2.0


@dataclass
class Trader:
    """One person's program: it orders until it is told to stop, and never forgets a key."""

    tokens: str
    slugs: list[str]
    port: int
    choice: random.Random
    stop: threading.Event
    answered: list[tuple[Order, Answer]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Trade; whatever is neither an answer nor 503 is noted as a fault."""
        give_up = threading.Event()
        while not self.stop.is_set():
            body = self.choice.choice(
                [{"side": "buy", "amount": "5"}, {"side": "sell", "shares": "0.1"}]
            )
            order = Order(self.choice.choice(self.slugs), body, self.tokens, new_key())
            answer = order.insist(self.port, give_up)
            if answer is None:
                self.faults.append(f"{order.key} was never answered")
            elif answer.status not in {201, 422}:
                self.faults.append(f"{answer.status} {answer.raw[:300]!r}")
            else:
                self.answered.append((order, answer))
            time.sleep(self.choice.uniform(0, 0.05))


def send_audits(stop: threading.Event) -> None:
    """Ask the worker to examine the books, again and again, while everybody trades."""
    while not stop.wait(AUDIT_EVERY_S):
        audit_run.delay()


def test_every_acknowledged_order_exists_once(web: Web, chance: random.Random) -> None:
    markets = [active_market(pool="100000") for _ in range(3)]
    stop, said_before = threading.Event(), len(web.said)
    traders = [
        Trader(
            tokens=tokens.create(user=funded_user("2000"), name="bot", scopes=["trade"])[1],
            slugs=[market.slug for market in markets],
            port=web.port,
            choice=random.Random(chance.random()),
            stop=stop,
        )
        for _ in range(TRADERS)
    ]
    celery = Process("worker", DATABASE_URL=web.environment["DATABASE_URL"])
    celery.start()
    threads = [threading.Thread(target=trader.run, daemon=True) for trader in traders]
    threads.append(threading.Thread(target=send_audits, args=(stop,), daemon=True))

    ends = time.monotonic() + DURATION_S
    try:
        for thread in threads:
            thread.start()
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.5, 2 * DURATION_S / KILLS - 0.5) / 2)
            victim = (web, celery)[kill % 2] if not NIGHTLY else chance.choice((web, celery))
            victim.kill()
            victim.start()
        time.sleep(max(0.0, ends - time.monotonic()))
        stop.set()
        for thread in threads:
            thread.join(60)
    finally:
        stop.set()
        celery.remove()

    judge(traders)
    assert AuditRun.objects.exists()
    assert not AuditRun.objects.filter(finished_at__isnull=False, ok=False).exists()
    for market in markets:
        log_without_gap(Market.objects.get(pk=market.pk))
    said = web.said[said_before:]
    assert "Traceback" not in said, said[-4000:]
    examine()


def judge(traders: list[Trader]) -> None:
    """Each answer is what the log says, each key is in it once."""
    assert [fault for trader in traders for fault in trader.faults] == []
    told = [pair for trader in traders for pair in trader.answered]
    print(f"{len(told)} orders answered, {AuditRun.objects.count()} audits")
    assert len(told) > 5 * TRADERS
    rows = {row.key: row for row in Command.objects.exclude(user=None)}
    for order, answer in told:
        row = rows[order.key]
        assert answer.status == (201 if row.accepted else 422)
        number = answer.json["id"] if row.accepted else answer.json["error"]["request_id"]
        assert number == public_id("ord", row.pk)
    keys = [order.key for order, _ in told]
    assert Command.objects.filter(key__in=keys).count() == len(keys)
    orders = Command.objects.filter(kind__in=("buy", "sell")).values_list("key", flat=True)
    assert set(orders) == set(keys)


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
