"""The fixture that runs a case against both nodes, and says loudly where one is missing."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.chain.anvil import NOT_RUN
from tests.chain.conformance_bench import ANVIL, Bench, anvil, devnet

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
    return 0 if ANVIL.exists() else sum(map(_wants_anvil, session.items))


def _wants_anvil(item: pytest.Item) -> bool:
    told = getattr(item, "callspec", None)
    return told is not None and "anvil" in told.params.values()
