"""Money on its way while reserves are proven: counted once, and no shortfall where none is."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.models import HotWallet, ReserveProof
from chain.services import calls, reserves
from tests.chain.broom import Broom
from tests.chain.driver import Chain
from tests.factories import usdc

pytestmark = pytest.mark.django_db


@pytest.fixture
def broom(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broom:
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    found = Broom(chain, tmp_path)
    found.paid_in("10")
    return found


def _spare(proof: ReserveProof) -> int:
    return proof.holdings_micro + proof.play_micro - proof.liabilities_micro


def test_a_deposit_credited_while_balances_are_read_is_no_shortfall(
    broom: Broom, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = reserves.prove(), calls.balances
    meanwhile: list[Callable[[], object]] = [lambda: broom.paid_in("20")]

    def slow(node: Node, token: str, holders: Sequence[str], block: int | str) -> list[int]:
        while meanwhile:
            meanwhile.pop()()
        return real(node, token, holders, block)

    monkeypatch.setattr(calls, "balances", slow)
    during = reserves.prove()
    monkeypatch.setattr(calls, "balances", real)

    assert (during.shortfall_micro, _spare(during)) == (0, _spare(before))
    after = reserves.prove()
    assert _spare(after) == _spare(before)
    assert after.holdings_micro == before.holdings_micro + usdc("20")


def test_an_address_in_two_roles_is_held_once(broom: Broom) -> None:
    before = reserves.prove()
    broom.chain.pay(broom.hot, usdc("30"))
    broom.chain.mine(5)
    broom.read()
    HotWallet.objects.update(treasury=broom.hot)

    assert reserves.prove().holdings_micro == before.holdings_micro + usdc("30")
