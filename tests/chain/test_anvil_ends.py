"""A node of the tests ends with whoever started it, however that ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exchange import clock
from tests.chain.anvil import BINARY
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
STARTER = """
import subprocess, sys
from tests.chain import anvil

whole = subprocess.Popen
def told(*words, **options):
    process = whole(*words, **options)
    print(process.pid, flush=True)
    return process
anvil.subprocess.Popen = told
with anvil.anvil():
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not BINARY.exists(), reason="anvil is not installed")
def test_a_killed_run_leaves_no_node_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as starter:  # fmt: skip
        assert starter.stdout is not None
        node = int(starter.stdout.readline())
        assert starter.stdout.readline() == "ready\n"
        starter.send_signal(signal.SIGKILL)
    deadline = clock.monotonic() + PATIENCE_S
    while _lives(node):
        assert clock.monotonic() < deadline


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
