"""The whole site under `manage.py up`, killed at its weak points."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.clients.rpc import Node, http
from megatron.embedded import ROOT, tied

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

START_S_MAX = 300.0
STOP_S_MAX = 10.0
AGAIN_S_MAX = 60.0
PARTS = (
    "-m daphne",
    "manage.py clock",
    "-m celery",
    "manage.py beat",
    "bin/postgres",
    "valkey-server",
)
CHAIN = ("-m chain.devnet", "manage.py signer", "manage.py chain")


class Site:
    """A site of its own, in a folder of its own, and what it has said."""

    def __init__(self, state: Path, port: int, *, demo: bool = False) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.endswith(("_URL", "_PREFIX"))}
        self.state, self.said = state, ""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT,
            env={
                **{k: v for k, v in inherited.items() if not k.startswith(("STATIC_", "PYTEST_"))},
                "MEGATRON_STATE": str(state),
                "MEGATRON_DEMO": str(int(demo)),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A test run that is killed must not leave a site behind either.
            preexec_fn=tied(signal.SIGKILL),  # noqa: PLW1509 (one system call)
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def started(self) -> "Site":
        """Wait until the address is printed."""
        with contextlib.suppress(AssertionError):
            _until(lambda: self.process.poll() or "Megatron is at" in self.said, START_S_MAX)
        assert "Megatron is at" in self.said, self.said
        return self

    @property
    def address(self) -> str:
        """Return the address as it was printed."""
        found = re.search(r"Megatron is at (\S+)", self.said)
        assert found, self.said
        return found[1]

    def processes(self) -> dict[int, str]:
        """Return every process of this site with its command, the supervisor included."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._owns(folder):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(folder.name)] = words
        return {pid: words for pid, words in found.items() if words}

    def _owns(self, folder: Path) -> bool:
        # PostgreSQL's own children write a title over their environment, but sit in its folder.
        mark = os.fsencode(f"MEGATRON_STATE={self.state}")
        told = mark in (folder / "environ").read_bytes().split(b"\0")
        return told or (folder / "cwd").readlink().is_relative_to(self.state)

    def pid_of(self, part: str) -> int:
        """Return the oldest process of a part: the one that the supervisor started."""
        pids = [pid for pid, words in self.processes().items() if part in words]
        return min(pids, default=0)

    def healthy(self, path: str = "healthz") -> bool:
        """Ask the site whether it is well."""
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def interrupt(self) -> float:
        """Press Ctrl-C; return how long the site took to be gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_S_MAX * 2)
        return time.monotonic() - began

    def kill(self) -> None:
        """Kill the supervisor without a chance to say a word."""
        self.process.kill()
        self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said += line


def _until(done: Callable[[], object], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def state() -> Iterator[Path]:
    """Return a folder that the servers' user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="mg-up-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(state: Path) -> Iterator[Callable[..., Site]]:
    """Start sites; each one still running at the end is killed."""
    sites: list[Site] = []

    def begin(folder: Path = state, port: int = 0, *, demo: bool = False) -> Site:
        sites.append(Site(folder, port or _free_port(), demo=demo))
        return sites[-1]

    yield begin
    for site in sites:
        site.kill()
    _until(lambda: not any(site.processes() for site in sites), AGAIN_S_MAX)


class Trader:
    """The demonstration's trader at a site, by its forms."""

    def __init__(self, site: Site) -> None:
        self.site = site
        jar = urllib.request.HTTPCookieProcessor()
        self._opener = urllib.request.build_opener(jar)
        self._jar = jar.cookiejar
        found = re.search(r"trader +(\S+) +password (\S+)", site.said)
        assert found, site.said
        self.get("accounts/login/")
        self.post("accounts/login/", login=found[1], password=found[2])
        self.post("accounts/reauthenticate/", password=found[2])

    def get(self, path: str) -> str:
        """Return a page."""
        with self._opener.open(f"{self.site.address}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        """Send a form and return the page it leads to."""
        token = next(cookie.value for cookie in self._jar if "csrf" in cookie.name) or ""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        with self._opener.open(f"{self.site.address}{path}", body, timeout=20) as answer:
            return str(answer.read().decode())

    def withdraw(self, amount: str) -> str:
        """Ask for a withdrawal to the first address of the book; return where its page is."""
        book = r'name="entry" value="(adr_\w+)"'
        _until(lambda: re.search(book, self.get("wallet/withdraw/")), AGAIN_S_MAX)
        entry = re.findall(book, self.get("wallet/withdraw/"))[0]
        page = self.post("wallet/withdrawals/", entry=entry, amount=amount, key="asked-of-a-site")
        found = re.search(r"wallet/withdrawals/wdr_\w+/", page)
        assert found, page
        return found[0]


def _chain_of(site: Site) -> Node:
    """Return the site's own chain, which calls a block final sooner than it usually does."""
    words = site.processes()[site.pid_of(CHAIN[0])].split()
    node = http(f"http://127.0.0.1:{words[words.index('--port') + 1]}", "devnet")
    node.call("devnet_setLags", [1, 2], object)
    return node


def _require_told_of(first: Site, second: Site) -> None:
    """A second start goes no further than to say where the first is."""
    second.process.wait(START_S_MAX)
    _until(lambda: "already runs here" in second.said, STOP_S_MAX)
    assert second.process.returncode == 1
    assert f"at {first.address}" in second.said


def test_survives_the_death_of_its_parts_and_its_own_and_stops_on_ctrl_c(
    start: Callable[..., Site],
) -> None:
    """The demonstration's chain among them: money on its way in and out arrives all the same."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        site = start(port=port, demo=True).started()
    assert f"port {port} is taken" in site.said
    assert f":{port}/" not in site.address
    _require_told_of(site, start())

    everything = (*PARTS, *CHAIN)
    before = {part: site.pid_of(part) for part in everything}
    assert all(before.values()), before
    trader = Trader(site)
    way_out = trader.withdraw("7")
    trader.post("wallet/faucet/", address="")
    _until(lambda: "100.00" in trader.get("wallet/moves/"), AGAIN_S_MAX)

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    _until(lambda: all(site.pid_of(p) not in {0, before[p]} for p in everything), AGAIN_S_MAX)
    _until(lambda: site.healthy("readyz"), AGAIN_S_MAX)
    _until(lambda: "Credited" in trader.get("wallet/moves/"), AGAIN_S_MAX)
    chain = _chain_of(site)
    head, began = chain.number("eth_blockNumber"), time.monotonic()
    block = chain.header(head)

    site.kill()
    _until(lambda: not site.processes(), STOP_S_MAX)
    assert (site.state / "up.lock").read_text().startswith(f"{site.process.pid} ")

    again = start(demo=True).started()
    chain = _chain_of(again)
    assert chain.header(head) == block
    trader = Trader(again)
    _until(lambda: "Arrived for good" in trader.get(way_out), AGAIN_S_MAX)
    assert trader.get("wallet/moves/").count("Credited") == 1
    new = chain.number("eth_blockNumber") - head
    assert 0 < new <= time.monotonic() - began + 1
    again.interrupt()
    assert again.process.returncode == 0, again.said
    assert again.processes() == {}
