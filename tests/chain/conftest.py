"""Chains for tests, mined by hand: every case runs on our own and on anvil."""

import contextlib
from collections.abc import Iterator

import pytest

from chain.services import seams
from tests.chain.anvil import anvil
from tests.chain.driver import Chain, Embedded

KINDS = ("embedded", "anvil")
LAG = 16


@contextlib.contextmanager
def chain_of(kind: str, *, lag: int = LAG) -> Iterator[Chain]:
    """Run a chain of a kind whose finality lags so many blocks."""
    if kind == "embedded":
        yield Embedded(finality_lag=lag)
    else:
        with anvil(lag=lag) as node:
            yield Chain(node, finality_lag=lag)


@pytest.fixture(scope="module", params=KINDS)
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """Return a chain of either kind, the module's own; the module's LAG is its finality's."""
    with chain_of(request.param, lag=getattr(request.module, "LAG", LAG)) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_seam_is_left() -> Iterator[None]:
    """Take away what a test let crash."""
    yield
    seams.install(None)
