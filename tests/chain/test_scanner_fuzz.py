"""The scanner under random reorgs and kills: no balance is ever wrong, and the control's are."""

import os

import pytest
from django.db import connection

from tests.chain import seam_names
from tests.chain.conftest import chain_of
from tests.chain.episodes import DEEPEST, Tally, play

SEED = int(os.environ.get("SEED", "20260101"))
# State grows, and anvil forgets states that are hundreds of blocks old.
LIVES_AT_ONCE = {"embedded": 60, "anvil": 3}

pytestmark = pytest.mark.django_db


def _judge(kind: str, seeds: range) -> list[Tally]:
    """No balance is wrong; the control, which keeps no hashes, is wrong nearly every time."""
    tallies = []
    for first in range(seeds.start, seeds.stop, LIVES_AT_ONCE[kind]):
        with chain_of(kind, lag=DEEPEST) as chain:
            tallies.append(play(chain, range(first, min(first + LIVES_AT_ONCE[kind], seeds.stop))))
    # The books are examined next, in the same transaction: whoever plans that must not believe
    # the tables to be as empty as the test before had left them.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE exchange_account, exchange_entry, exchange_transfer")
    assert [words for tally in tallies for words in tally.words] == []
    assert sum(tally.control_wrong for tally in tallies) >= len(seeds) * 95 // 100
    return tallies


# Sixty lives together; SEED is where they begin.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "lives"), [("embedded", 48), ("anvil", 12)])
def test_no_balance_is_wrong_in_sixty_lives(kind: str, lives: int) -> None:
    tallies = _judge(kind, range(SEED, SEED + lives))

    assert set().union(*(tally.seams for tally in tallies)) >= set(seam_names.SCAN)
    assert min(sum(tally.kills for tally in tallies), sum(t.deposits for t in tallies)) > lives // 2


# A transaction each: in one that holds hundreds of lives every row's old versions stay in the way.
@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(SEED, SEED + 900, 60))
def test_no_balance_is_wrong_in_nine_hundred_lives(first: int) -> None:
    _judge("embedded", range(first, first + 60))


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(SEED, SEED + 100, 10))
def test_no_balance_is_wrong_in_a_hundred_lives_on_anvil(first: int) -> None:
    _judge("anvil", range(first, first + 10))
