"""The scanner under random reorgs and kills: no balance is ever wrong, and the control's are."""

import os

import pytest

from tests.chain.driver import Chain
from tests.chain.episodes import play

SEED = int(os.environ.get("SEED", "20260101"))


@pytest.mark.django_db
def test_no_balance_is_wrong_on_anvil(anvil_chain: Chain) -> None:
    tally = play(anvil_chain, range(SEED, SEED + 15))
    print(tally)

    assert tally.words == []
