"""Chains for tests: one anvil for the session, mined by hand."""

from collections.abc import Iterator

import pytest

from chain.services import seams
from tests.chain.anvil import anvil
from tests.chain.driver import Chain, Embedded


@pytest.fixture(scope="session")
def anvil_chain() -> Iterator[Chain]:
    """Return a chain behind anvil whose finality lags 2 blocks."""
    with anvil() as node:
        yield Chain(node)


@pytest.fixture(scope="module")
def embedded_chain() -> Chain:
    """Return a chain of our own whose finality lags 64 blocks, in this process."""
    return Embedded(finality_lag=64)


@pytest.fixture(autouse=True)
def _no_seam_is_left() -> Iterator[None]:
    """Take away what a test let crash."""
    yield
    seams.install(None)
