"""The pure core of the chain: finality, ranges, addresses, states, the sum tree."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core import addresses, finality, merkle, ranges, withdrawal
from chain.core.finality import Level, Lines, Policy
from chain.core.withdrawal import State
from chain.hashing import keccak256

TAGS = Policy(seconds=1_200, block_ms=250)
COUNTED = Policy(seconds=180, block_ms=12_000, blocks=12)
SMALL = Policy(
    seconds=1_200,
    block_ms=250,
    safe_up_to_micro=100,
    safe_user_cap_micro=150,
    safe_total_cap_micro=1_000,
)
# The examples of EIP-55 itself.
SPELLED = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    # native USDC on Arbitrum One, as its issuer writes it
    "0xaf88d065e77c8cC2239327C5EDb3A432268e5831",
)


def test_tags_are_ordered_whatever_a_node_says() -> None:
    assert finality.lines(TAGS, 100, 120, 130) == Lines(100, 100, 100)
    assert finality.lines(TAGS, 100, 90, 95) == Lines(100, 90, 90)


@pytest.mark.parametrize(("block", "deep"), [(87, True), (88, True), (89, False)])
def test_counts_blocks_where_a_chain_has_no_tags(block: int, deep: bool) -> None:
    at = finality.lines(COUNTED, 100, 100, 100)

    assert finality.reached(Level.FINAL, block, at) is deep


@pytest.mark.parametrize(
    ("amount", "user", "total", "level"),
    [
        (100, 0, 0, Level.SAFE),
        (101, 0, 0, Level.FINAL),
        (100, 50, 0, Level.SAFE),
        (100, 51, 0, Level.FINAL),
        (100, 0, 900, Level.SAFE),
        (100, 0, 901, Level.FINAL),
    ],
)
def test_small_amounts_may_be_safe_under_both_caps(
    amount: int, user: int, total: int, level: Level
) -> None:
    assert finality.level_for(SMALL, amount, user_micro=user, total_micro=total) is level
    assert finality.level_for(TAGS, amount, user_micro=0, total_micro=0) is Level.FINAL


def test_progress_is_whole_only_when_final() -> None:
    at = Lines(20_000, 100, 100)

    assert finality.progress(TAGS, 100, at) == finality.Progress(4_800, 4_800, 0)
    assert finality.progress(TAGS, 101, at) == finality.Progress(4_799, 4_800, 1)
    assert finality.progress(TAGS, 19_600, at).seconds_left == 1_100


@given(st.integers(1, 10**6), st.text(max_size=60))
def test_an_error_always_shrinks_the_range(asked: int, message: str) -> None:
    size = ranges.after_failure(asked, message).size

    assert 1 <= size < max(2, asked)


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ("query exceeds max results 20000, retry with the range 100-149", 50),
        ("Try with this block range [0x10, 0x1f].", 16),
        ("max is 1k blocks", 500),
        ("eth_getLogs is limited to 1024", 500),
    ],
)
def test_a_hinted_range_is_honoured(message: str, size: int) -> None:
    assert ranges.after_failure(1_000, message).size == size


def test_successes_double_and_a_round_count_is_distrusted() -> None:
    sizing = ranges.Sizing(1)
    for _ in range(3 * ranges.DOUBLE_AFTER):
        sizing = ranges.after_success(sizing)

    assert sizing.size == 8
    assert ranges.looks_truncated(10_000, 2)
    assert not ranges.looks_truncated(10_000, 1)
    assert not ranges.looks_truncated(9_999, 2)


@pytest.mark.parametrize("address", SPELLED)
def test_spells_addresses_as_eip_55_does(address: str) -> None:
    assert addresses.checksummed(address.lower(), keccak256) == address
    assert addresses.fault_of(address, keccak256) == ""


BAD = [
    ("", "malformed"),
    ("0x", "malformed"),
    ("vitalik.eth", "malformed"),
    (SPELLED[4][:-1], "malformed"),
    (SPELLED[4] + "0", "malformed"),
    (SPELLED[4][2:], "malformed"),
    (" " + SPELLED[4], "malformed"),
    (SPELLED[4] + "\n", "malformed"),
    (SPELLED[4].replace("0x", "0X"), "malformed"),
    (SPELLED[4][:-1] + "g", "malformed"),
    (SPELLED[4][:-1] + "\u0430", "malformed"),
    (SPELLED[4][:-1] + "\u0660", "malformed"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "malformed"),
    ("0x" + "g" * 40, "malformed"),
    ("0x" + "0" * 64, "malformed"),
    (SPELLED[4].lower(), "checksum"),
    ("0x" + SPELLED[4][2:].upper(), "checksum"),
    (SPELLED[4].swapcase().replace("0X", "0x"), "checksum"),
    (SPELLED[5][:-1] + "8", "checksum"),
    (SPELLED[4][:2] + SPELLED[4][3] + SPELLED[4][2] + SPELLED[4][4:], "checksum"),
    *((address, "burn") for address in sorted(addresses.BURN)),
    *((f"0x{number:040x}", "reserved") for number in (1, 2, 9, 0x64, 0x6E, 0xFF, 0xFFFF)),
    *((SPELLED[i].lower(), "checksum") for i in (5, 6, 7, 8)),
]


@pytest.mark.parametrize(("text", "fault"), BAD)
def test_names_what_is_wrong_with_an_address(text: str, fault: str) -> None:
    assert addresses.fault_of(text, keccak256) == fault


def test_every_move_that_is_not_listed_is_refused() -> None:
    for before in State:
        for after in State:
            if after in withdrawal.MOVES[before]:
                assert withdrawal.move(before, after) is after
            else:
                with pytest.raises(withdrawal.IllegalMove):
                    withdrawal.move(before, after)


def test_what_was_signed_is_never_cancelled() -> None:
    for state in withdrawal.SIGNED_ONCE:
        assert State.CANCELLED not in withdrawal.MOVES[state]
    assert all(not withdrawal.MOVES[end] for end in withdrawal.ENDS)


@given(st.integers(1, 10**15))
def test_a_replacement_offers_at_least_an_eighth_more(fee: int) -> None:
    assert 8 * withdrawal.bumped(fee) >= 9 * fee


def test_the_first_day_has_the_smaller_limit() -> None:
    assert [withdrawal.day_limit(s) for s in (0, 86_399, 86_400)] == [
        2_000_000_000,
        2_000_000_000,
        5_000_000_000,
    ]


def _leaves(amounts: list[int]) -> list[merkle.Sum]:
    return [merkle.leaf(secrets.token_bytes(32), f"u{i}", a) for i, a in enumerate(amounts)]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=40))
def test_every_leaf_climbs_to_the_root(amounts: list[int]) -> None:
    leaves = _leaves(amounts)
    tree = merkle.levels(leaves)

    assert tree[-1][0].sum_micro == sum(amounts)
    for index, leaf in enumerate(leaves):
        assert merkle.climb(leaf, merkle.path(tree, index)) == tree[-1][0]


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=20), st.data())
def test_no_forged_path_reaches_the_root(amounts: list[int], data: st.DataObject) -> None:
    leaves = _leaves(amounts)
    tree = merkle.levels(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    steps = merkle.path(tree, index)
    at = data.draw(st.integers(0, len(steps) - 1))
    step = steps[at]
    less = merkle.Sum(step.sibling.hash, max(0, step.sibling.sum_micro - 1) or 7)
    if less == step.sibling:
        less = merkle.Sum(step.sibling.hash, step.sibling.sum_micro + 1)
    steps[at] = merkle.Step(less, step.is_left)

    assert merkle.climb(leaves[index], steps) != tree[-1][0]


def test_children_of_equal_total_are_told_apart() -> None:
    left, right = _leaves([100, 100])
    shifted = merkle.join(merkle.Sum(left.hash, 0), merkle.Sum(right.hash, 200))

    assert shifted.sum_micro == merkle.join(left, right).sum_micro
    assert shifted.hash != merkle.join(left, right).hash


def test_refuses_a_negative_leaf() -> None:
    with pytest.raises(ValueError, match="never negative"):
        merkle.leaf(bytes(32), "u1", -1)
    with pytest.raises(ValueError, match="never negative"):
        merkle.join(merkle.Sum(bytes(32), -1), merkle.Sum(bytes(32), 1))
