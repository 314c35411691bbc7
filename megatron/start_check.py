"""Examines a site that has just been started: whether all parts live and a price moves."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import redis
from django.db import DatabaseError, connection
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from exchange import clock, live
from exchange.errors import MegatronError
from exchange.models import Market
from exchange.services import markets
from megatron.processes import CHAIN, SERVING
from megatron.supervisor import Supervisor

WITHIN_S = 60.0
POLL_S = 0.2
REQUEST_S = 3.0
REPLY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about one part."""

    part: str
    ok: bool
    seconds: float
    detail: str

    def line(self) -> str:
        """Return it as one line of JSON."""
        seconds = round(self.seconds, 1)
        return json.dumps(
            {"part": self.part, "ok": self.ok, "seconds": seconds, "detail": self.detail}
        )


def examine(supervisor: Supervisor, address: str, *, began: float) -> list[Finding]:
    """Return a finding for each part and one for a new tick on a websocket, in this order."""
    deadline = clock.monotonic() + WITHIN_S
    findings = []
    # a site without a chain has no follower
    for part in (*SERVING, *(name for name in (CHAIN,) if name in supervisor.children)):
        ok = _wait(partial(_lives, supervisor, part, address), deadline)
        detail = "gives signs of life" if ok else "gave no sign of life in time"
        findings.append(_finding(part, began, ok=ok, detail=detail))
    detail = _tick(address)
    findings.append(_finding("tick", began, ok=not detail, detail=detail or "reached a websocket"))
    return findings


def answers(address: str, *, within_s: float) -> bool:
    """Wait until the web process answers."""
    return _wait(lambda: _healthy(address), clock.monotonic() + within_s)


def _finding(part: str, began: float, *, ok: bool, detail: str) -> Finding:
    return Finding(part=part, ok=ok, seconds=clock.monotonic() - began, detail=detail)


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}healthz", timeout=REQUEST_S) as answer:  # noqa: S310
            return bool(answer.status == 200)  # noqa: PLR2004 (HTTP's own number)
    except (urllib.error.URLError, OSError):
        return False


def _lives(supervisor: Supervisor, part: str, address: str) -> bool:
    """Say whether the very process we started gives signs: an earlier run's may linger."""
    supervisor.look()
    pid = supervisor.children[part].pid
    try:
        gives_signs = pid is not None and live.name_of(pid) in live.processes()[part]
    except redis.RedisError:
        return False
    return gives_signs and (part != "web" or _healthy(address))


def _tick(address: str) -> str:
    """Let a market's clock move and wait for the tick on a socket; return what went wrong."""
    try:
        market = Market.objects.filter(status=Market.Status.ACTIVE).order_by("pk").first()
        if market is None:
            return "no market is active"
        return _follow(address, market.pk)
    except (DatabaseError, MegatronError, WebSocketException, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def _follow(address: str, market_id: int) -> str:
    host = urlsplit(address).netloc
    url = f"ws://{host}/ws/markets/?m={market_id}"
    with connect(url, origin=Origin(f"http://{host}")) as client:
        first = json.loads(client.recv(timeout=REPLY_S))
        if first.get("type") != "snapshot":
            return f"the first message was {first.get('type')!r}, not a snapshot"
        before = first["markets"][str(market_id)]["seq"]
        if not markets.heartbeat(market_id, clock.now_s()):
            return "the market refused a heartbeat"
        deadline = clock.monotonic() + WITHIN_S
        while clock.monotonic() < deadline:
            message = json.loads(client.recv(timeout=WITHIN_S))
            if message["type"] == "tick" and message["seq"] > before:
                return ""
            if message["type"] == "heartbeat":
                client.send(json.dumps({"ack": message["sent"]}))
    return "no new tick arrived in time"


def _wait(done: Callable[[], bool], deadline: float) -> bool:
    pause = threading.Event()
    while not done():
        if clock.monotonic() > deadline or pause.wait(POLL_S):
            return False
    return True
