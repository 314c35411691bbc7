"""The fixture that runs a case against both nodes, and says loudly where one is missing."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.chain.conformance_bench import ANVIL, Bench, anvil, devnet

NOT_RUN = "ANVIL IS NOT INSTALLED: this case ran against our own node alone (npm ci)"
KINDS: dict[str, Callable[[], AbstractContextManager[Bench]]] = {"devnet": devnet, "anvil": anvil}
_started = pytest.StashKey[dict[str, Bench]]()


@pytest.fixture(scope="session", params=list(KINDS), name="node")
def node_of_each_kind(request: pytest.FixtureRequest) -> Bench:
    """Return a node of either kind; the modules that ask for it share one of each."""
    kind: str = request.param
    if kind == "anvil" and not ANVIL.exists():
        pytest.skip(NOT_RUN)
    started = request.config.stash.setdefault(_started, {})
    if kind not in started:
        # Each module that imports the fixture has its own; what they share ends with the run.
        until_the_end = ExitStack()
        request.config.add_cleanup(until_the_end.close)
        started[kind] = until_the_end.enter_context(KINDS[kind]())
    return started[kind]


def cases_not_run(session: pytest.Session) -> int:
    """Return how many collected cases wait for anvil in vain."""
    return 0 if ANVIL.exists() else sum("[anvil" in item.nodeid for item in session.items)
