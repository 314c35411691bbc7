"""Two chains of different ids in one process, each with its row, its wallet and one signer."""

from pathlib import Path
from typing import Any

import pytest

from chain.clients import endpoints
from chain.devnet import genesis
from chain.models import Network
from chain.signer.policy import Contracts, Policy
from tests.chain.driver import Embedded
from tests.chain.paying import Till
from tests.chain.purses import InsideSigner, desk_of

SECOND_ID = genesis.CHAIN_ID + 1


def second_chain() -> Embedded:
    """Return an embedded chain that calls itself by another id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(genesis, "CHAIN_ID", SECOND_ID)
        return Embedded()


def tills_of(
    chains: list[Embedded], folder: Path, patch: pytest.MonkeyPatch, **fields: Any
) -> list[Till]:
    """Return a till for each chain, whose endpoints are found by the network's row."""
    nodes = {chain.chain_id: [chain.node] for chain in chains}
    patch.setattr(endpoints, "nodes_of", lambda network: nodes[network.chain_id])
    found = [Till(chain, folder, **fields) for chain in chains]
    contracts = {c.chain_id: Contracts(token=c.token, signing_name="Test USD") for c in chains}
    policy = Policy(chains=contracts, per_payment_micro=10**13, per_day_micro=10**15)
    # one process signs for every chain
    signer = InsideSigner(desk_of(folder, policy))
    for till in found:
        till.signer = signer
    assert list(Network.objects.values_list("chain_id", flat=True)) == list(nodes)
    return found
