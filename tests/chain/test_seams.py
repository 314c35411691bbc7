"""The seams in the code are those that tests let processes die at, so that none can rot."""

import ast
from pathlib import Path

from tests.chain.seam_names import ALL

CHAIN = Path(__file__).resolve().parents[2] / "chain"


def test_each_seam_of_the_code_is_one_that_tests_kill_at() -> None:
    """`test_chain_kills.py` kills a process at each of them, which shows each to be visited."""
    found = set()
    for path in CHAIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crash_here":
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno} names no seam"
                found.add(name.value)
    assert found == set(ALL)
