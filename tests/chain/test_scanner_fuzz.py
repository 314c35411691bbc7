"""The scanner under random reorgs and kills: no balance is ever wrong, and the control's are."""

import os

import pytest
from django.db import connection

from tests.chain.anvil import anvil
from tests.chain.driver import Chain, Embedded
from tests.chain.episodes import Tally, play

SEED = int(os.environ.get("SEED", "20260101"))
SEAMS = {
    "scan.head", "scan.headers", "scan.logs", "scan.before_store", "scan.in_store",
    "scan.after_store", "scan.before_rewind", "scan.in_rewind", "scan.in_final",
    "scan.after_final", "credit.before", "credit.booked", "credit.after",
}  # fmt: skip
# State grows, and anvil forgets states that are hundreds of blocks old.
ANVIL_LIVES = 3

pytestmark = pytest.mark.django_db


def _judge(tally: Tally) -> None:
    """No balance is wrong; the control, which keeps no hashes, is wrong nearly every time."""
    # The books are examined next, in the same transaction: whoever plans that must not believe
    # the tables to be as empty as the test before had left them.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE exchange_account, exchange_entry, exchange_transfer")
    assert tally.words == []
    assert tally.control_wrong >= tally.episodes * 95 // 100


@pytest.mark.timeout(600)
def test_no_balance_is_wrong_in_sixty_lives() -> None:
    tally = play(Embedded(finality_lag=64), range(SEED, SEED + 60))

    _judge(tally)
    assert tally.seams >= SEAMS
    assert min(tally.kills, tally.deposits) > 30


def test_no_balance_is_wrong_on_anvil() -> None:
    _judge(_on_anvil(range(SEED, SEED + ANVIL_LIVES)))


# A transaction each: in one that holds hundreds of lives every row's old versions stay in the way.
@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(SEED, SEED + 900, 60))
def test_no_balance_is_wrong_in_nine_hundred_lives(first: int) -> None:
    _judge(play(Embedded(finality_lag=64), range(first, first + 60)))


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(SEED, SEED + 100, 10))
def test_no_balance_is_wrong_in_a_hundred_lives_on_anvil(first: int) -> None:
    for start in range(first, first + 10, ANVIL_LIVES):
        _judge(_on_anvil(range(start, min(start + ANVIL_LIVES, first + 10))))


def _on_anvil(seeds: range) -> Tally:
    with anvil() as node:
        return play(Chain(node), seeds)
