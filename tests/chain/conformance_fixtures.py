"""The fixture that runs a case against both nodes, and says loudly where one is missing."""

from collections.abc import Iterator

import pytest

from tests.chain.conformance_bench import ANVIL, Bench, anvil, devnet

NOT_RUN = "ANVIL IS NOT INSTALLED: this case ran against our own node alone (npm ci)"


@pytest.fixture(scope="session", params=["devnet", "anvil"], name="node")
def node_of_each_kind(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Return a node of either kind, one for all cases."""
    if request.param == "devnet":
        with devnet() as bench:
            yield bench
        return
    if not ANVIL.exists():
        pytest.skip(NOT_RUN)
    with anvil() as bench:
        yield bench


def cases_not_run(session: pytest.Session) -> int:
    """Return how many collected cases wait for anvil in vain."""
    return 0 if ANVIL.exists() else sum("[anvil" in item.nodeid for item in session.items)
