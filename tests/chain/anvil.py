"""A real node for tests: anvil out of the npm package, on loopback, mined by hand.

What costs time: a burst beyond the block gas limit hangs under automine, so nothing is mined until
it is asked for; a reorg over empty blocks may reproduce the same hashes, so the replaced range gets
a transaction; each block costs more as state grows, so chains here stay short.
"""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.clients.rpc import Node, http
from chain.errors import NodeFault
from exchange import clock
from megatron.embedded import tied
from tests.patience import PATIENCE_S

BINARY = (
    Path(__file__).resolve().parent.parent
    / "browser/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
)


NOT_RUN = "ANVIL IS NOT INSTALLED: this case ran against our own node alone (npm ci)"


@contextlib.contextmanager
def anvil(*flags: str, lag: int = 2) -> Iterator[Node]:
    """Run anvil until the block ends; skip where the package is not installed.

    `lag` is how many blocks `finalized` is behind the head, an even number.
    """
    if not BINARY.exists():
        pytest.skip(NOT_RUN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["--port", str(port), "--no-mining", "--silent", *flags]
    words += ["--slots-in-an-epoch", str(lag // 2)]
    tie = tied(signal.SIGKILL)  # however these tests end, their node ends with them
    words = [str(BINARY), *words]
    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        preexec_fn=tie,  # noqa: PLW1509 (one system call)
    )
    try:
        node = http(f"http://127.0.0.1:{port}", "anvil")
        deadline = clock.monotonic() + PATIENCE_S
        while True:
            try:
                node.number("eth_chainId")
                break
            except NodeFault:
                assert process.poll() is None
                assert clock.monotonic() < deadline
        yield node
    finally:
        process.kill()
        process.wait()
