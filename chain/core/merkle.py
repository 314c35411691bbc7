"""A Merkle tree whose nodes commit to sums: each child's sum is hashed by itself.

A tree that hashes only the total lets two people of 100 each accept a total of 100. Leaves are
salted and bound to their account; none is negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

LEAF, NODE, PAD = b"\x00", b"\x01", b"\x02"
SUM_BYTES = 16
SALT_BYTES = 32
SUM_MAX = 2 ** (8 * SUM_BYTES - 1)


@dataclass(frozen=True, slots=True)
class Sum:
    """The hash of a subtree and the sum below it."""

    hash: bytes
    sum_micro: int


@dataclass(frozen=True, slots=True)
class Step:
    """The sibling on one level of a path, and whether it stands to the left."""

    sibling: Sum
    is_left: bool


PADDING = Sum(sha256(PAD).digest(), 0)


def leaf(salt: bytes, account: str, amount_micro: int) -> Sum:
    """Return the leaf of an account.

    Raises:  ValueError for a negative amount or a salt of another length.
    """
    if amount_micro < 0:
        raise ValueError("a liability is never negative")
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    name = account.encode()
    body = salt + len(name).to_bytes(2, "big") + name + _written(amount_micro)
    return Sum(sha256(LEAF + body).digest(), amount_micro)


def join(left: Sum, right: Sum) -> Sum:
    """Return the parent of two subtrees, which commits to each one's sum."""
    for child in (left, right):
        if not 0 <= child.sum_micro < SUM_MAX:
            raise ValueError("a sum is never negative and never that large")
    body = left.hash + _written(left.sum_micro) + right.hash + _written(right.sum_micro)
    return Sum(sha256(NODE + body).digest(), left.sum_micro + right.sum_micro)


def levels(leaves: Sequence[Sum]) -> list[list[Sum]]:
    """Return every level of the tree, the leaves first, padded to even length, the root last."""
    level = list(leaves) or [PADDING]
    found = [level]
    while len(level) > 1:
        if len(level) % 2:
            level.append(PADDING)
        level = [join(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        found.append(level)
    return found


def path(tree: Sequence[Sequence[Sum]], index: int) -> list[Step]:
    """Return the siblings from a leaf up to the root."""
    steps = []
    for level in tree[:-1]:
        is_right = index % 2 == 1
        steps.append(Step(level[index - 1 if is_right else index + 1], is_right))
        index //= 2
    return steps


def climb(start: Sum, steps: Sequence[Step]) -> Sum:
    """Return the root that a leaf and its siblings lead to. Raises ValueError as `join` does."""
    at = start
    for step in steps:
        at = join(step.sibling, at) if step.is_left else join(at, step.sibling)
    return at


def _written(amount: int) -> bytes:
    return amount.to_bytes(SUM_BYTES, "big")
