"""Which processes make the site on one machine, and how each is started."""

import importlib
import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands

from megatron.embedded import state_dir
from megatron.supervisor import Part
from oracle.analysts import weights

QUEUES = "oracle,chain,default"
# A page's query that takes longer has gone wrong; tasks and migrations may take their time. Less
# than a request's patience, so that a slow statement costs an answer and not the connection too.
WEB_LIMITS = {"DB_STATEMENT_TIMEOUT_MS": "3500", "DB_IDLE_TIMEOUT_MS": "10000"}
# Callers that come at once wait to be accepted; the server's own 50 would turn the next ones away.
BACKLOG = 1024
READERS, INSTALL = "readers", "install"
SERVING = ("web", "clock", "worker", "beat")
CHAIN = "chain"


def parts(*, host: str, port: int) -> list[Part]:
    """Return the parts of the whole site, in the order in which they start."""
    python = [sys.executable, "-W", "ignore::UserWarning:celery.platforms"]
    manage = [*python, str(Path(settings.BASE_DIR) / "manage.py")]
    web = ["-m", "daphne", "-v", "0", "-e", _endpoint(host, port), "megatron.asgi:application"]
    worker = ["-m", "celery", "-q", "-A", "megatron", "worker", "-Q", QUEUES, "-c", "2"]
    found = [
        Part(
            name="web",
            command=[*python, *web],
            environment=_named("web") | WEB_LIMITS,
        ),
        Part(name="clock", command=[*manage, "clock"], environment=_named("clock")),
        Part(
            name="worker",
            command=[*python, *worker, "--without-mingle", "--without-gossip"],
            environment=_named("worker"),
        ),
        Part(name="beat", command=[*manage, "beat"], environment=_named("beat")),
    ]
    if settings.DEMO and "bots" in get_commands():
        found.append(Part(name="bots", command=[*manage, "bots"], environment=_named("bots")))
    return found


def chain_parts(port: int) -> list[Part]:
    """Return the parts of the chain on one machine: a chain of our own, the signer, the follower.

    Where CHAIN_RPC_URL was given, the chain is somebody else's and only the follower runs here.
    """
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    if not port:
        return [Part(name=CHAIN, command=[*manage, CHAIN], environment=_named(CHAIN))]
    # anything that speaks to a chain finds ours by the same variable as any other
    os.environ["CHAIN_RPC_URL"] = f"http://127.0.0.1:{port}"
    journal = str(state_dir() / "devnet.journal")
    devnet = ["-m", "chain.devnet", "--port", str(port), "--journal", journal]
    chain = [*manage, "chain", "--embedded"]
    return [
        Part(name="devnet", command=[sys.executable, *devnet]),
        Part(name="signer", command=[*manage, "signer", "--embedded"]),
        Part(name=CHAIN, command=chain, environment=_named(CHAIN)),
    ]


def readers() -> Part:
    """Return the process that holds the weights and reads for every worker of this host."""
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "readers"]
    return Part(name=READERS, command=command, environment=_named(READERS))


def readers_wanted() -> bool:
    """Return whether there is something to read with: weights, and what runs them."""
    importlib.invalidate_caches()
    return settings.ORACLE_MODE == "enabled" and weights.any_present()


def readers_install() -> Part:
    """Return the one-time part that fetches the oracle's readers while the site already trades."""
    run = str(Path(settings.BASE_DIR) / "run.py")
    return Part(name=INSTALL, command=[sys.executable, run, "readers"], once=True)


def metrics_dir() -> Path:
    """Return where the processes of this host leave their figures for one /metrics of them all."""
    return state_dir() / "metrics"


def _endpoint(host: str, port: int) -> str:
    # A colon parts the words of an endpoint, so those of an IPv6 address are escaped.
    interface = host.strip("[]").replace(":", r"\:")
    return f"tcp:port={port}:interface={interface}:backlog={BACKLOG}"


def _named(part: str) -> dict[str, str]:
    # PostgreSQL shows the name beside each connection.
    return {"PGAPPNAME": f"megatron-{part}", "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir())}
