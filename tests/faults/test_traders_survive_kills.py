"""Many traders over HTTP while web processes and workers are killed: every answer stays true."""

import random
import threading
import time
from typing import Any

import pytest

from exchange.models import AuditRun, Market
from exchange.services import tokens
from exchange.tasks import audit_run
from tests.factories import active_market, funded_user
from tests.faults.scale import NIGHTLY, scaled
from tests.faults.site import Process, Web
from tests.faults.test_carriers import log_without_gap
from tests.faults.traders import Draw, Trader, examine, judge, newest_command

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600), pytest.mark.usefixtures("books")]

TRADERS = scaled(16, 64)
DURATION_S = scaled(12, 60)
KILLS = scaled(4, 10)
AUDIT_EVERY_S = 2.0


def simple_orders(choice: random.Random) -> Draw:
    """Buy for a little, or sell a little."""
    bodies: list[dict[str, Any]] = [
        {"side": "buy", "amount": "5"},
        {"side": "sell", "shares": "0.1", "reduce_only": True},
    ]
    return "orders", choice.choice(bodies)


def send_audits(stop: threading.Event) -> None:
    """Ask the worker to examine the books, again and again, while everybody trades."""
    while not stop.wait(AUDIT_EVERY_S):
        audit_run.delay()


def test_every_acknowledged_order_exists_once(web: Web, chance: random.Random) -> None:
    markets = [active_market(pool="100000") for _ in range(3)]
    since = newest_command()
    stop, said_before = threading.Event(), len(web.said)
    traders = [
        Trader(
            tokens=tokens.create(user=funded_user("2000"), name="bot", scopes=["trade"])[1],
            slugs=[market.slug for market in markets],
            port=web.port,
            choice=random.Random(chance.random()),
            stop=stop,
            draw=simple_orders,
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

    judge(traders, since)
    assert AuditRun.objects.exists()
    assert not AuditRun.objects.filter(finished_at__isnull=False, ok=False).exists()
    for market in markets:
        log_without_gap(Market.objects.get(pk=market.pk))
    said = web.said[said_before:]
    assert "Traceback" not in said, said[-4000:]
    examine()
