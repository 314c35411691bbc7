"""The site's own processes on the tests' database: started, killed and started again."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megatron.embedded import tied
from megatron.processes import parts

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 60.0
ANSWER_S_MAX = 20.0
SERVERS_OWN = 500
LIMITS_OFF = dict.fromkeys(
    ("THROTTLE_READ", "THROTTLE_QUOTE", "THROTTLE_TRADE", "THROTTLE_TOKEN"), "100000/s burst 100000"
)


def free_port() -> int:
    """Return a port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One process of the site as the supervisor would start it; it ends with the test run."""

    def __init__(self, name: str, port: int = 0, /, **environment: str) -> None:
        part = next(p for p in parts(host="127.0.0.1", port=port) if p.name == name)
        self.place = Path(tempfile.mkdtemp(prefix="mg-site-"))
        self.log = self.place / "log"
        self.port, self.command = port, part.command
        self.environment = {
            **part.environment,
            "PROMETHEUS_MULTIPROC_DIR": str(self.place),
            "MEGATRON_DEMO": "0",
            **LIMITS_OFF,
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=tied(signal.SIGKILL),  # noqa: PLW1509 (one system call)
            )

    def kill(self) -> None:
        """Kill the whole group without a word."""
        if self.process is None or self.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def said(self) -> str:
        """Return what it has written."""
        return self.log.read_text(errors="replace")

    def remove(self) -> None:
        """Kill it and forget what it wrote."""
        self.kill()
        shutil.rmtree(self.place, ignore_errors=True)


class Web(Process):
    """A web process with pages, API and sockets."""

    def __init__(self, **environment: str) -> None:
        super().__init__("web", free_port(), **environment)

    def start(self) -> None:
        """Start it and wait until it answers."""
        super().start()
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            assert self.process is not None
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return ask(self.port, "GET", "/healthz").status == http.HTTPStatus.OK
        except OSError:
            return False


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    raw: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """Return the stable code of a refusal."""
        return str(self.json["error"]["code"])


def ask(
    port: int,
    method: str,
    path: str,
    body: object = None,
    *,
    token: str = "",
    key: str = "",
    cookie: str = "",
    within_s: float = ANSWER_S_MAX,
) -> Answer:
    """Send one request on a connection of its own. Raises OSError if no whole answer comes."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if key:
        headers["Idempotency-Key"] = key
    if cookie:
        headers["Cookie"] = cookie
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=within_s)
    try:
        caller.request(method, path, None if body is None else json.dumps(body), headers)
        answer = caller.getresponse()
        raw = answer.read()
        length = answer.headers["Content-Length"]
        # cut within its headers, an answer looks like a shorter one that is complete; only what
        # the server says for itself, in place of the site, comes without a length
        if (length is None and answer.status < SERVERS_OWN) or (
            length is not None and len(raw) != int(length)
        ):
            raise ConnectionError("half an answer")
        return Answer(answer.status, raw, dict(answer.getheaders()))
    except (http.client.HTTPException, ValueError) as broken:
        raise ConnectionError(repr(broken)) from broken
    finally:
        caller.close()


@dataclass(frozen=True)
class Order:
    """An order under a key, and where it goes."""

    slug: str
    body: dict[str, Any]
    token: str
    key: str
    where: str = "orders"

    def send(self, port: int, within_s: float = ANSWER_S_MAX) -> Answer:
        """Send it once."""
        path = f"/api/v1/markets/{self.slug}/{self.where}/"
        return ask(port, "POST", path, self.body, token=self.token, key=self.key, within_s=within_s)

    def insist(self, port: int, give_up: threading.Event, tries: int = 200) -> Answer | None:
        """Send it until there is an answer; with 503 or none, again under the same key."""
        for attempt in range(tries):
            if give_up.is_set():
                return None
            try:
                answer = self.send(port)
            except OSError:
                time.sleep(min(0.02 * 2**attempt, 0.5))
                continue
            if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(0.05)
        return None


def new_key() -> str:
    """Return an idempotency key nobody used."""
    return uuid.uuid4().hex
