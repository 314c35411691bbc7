"""When a block is deep enough: confirmations and finality by network and amount.

*Seen* is at once and promises nothing. *Credited* is at `finalized`, or at `safe` for small amounts
while the exposure of one person and of all stays under its caps.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How sure a block is, the names of the node's tags."""

    SAFE = "safe"
    FINAL = "finalized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a network promises. `blocks` above zero replaces the tags of a chain that has none."""

    seconds: int
    block_ms: int
    blocks: int = 0
    safe_up_to_micro: int = 0
    safe_user_cap_micro: int = 0
    safe_total_cap_micro: int = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """The numbers of the newest block, the newest safe one and the newest final one."""

    head: int
    safe: int
    final: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a deposit is: `done` of `needed` blocks, and about how many seconds remain."""

    done: int
    needed: int
    seconds_left: int


def lines(policy: Policy, head: int, safe: int, final: int) -> Lines:
    """Return the lines: by the node's tags, or by counting where the policy says so.

    Keeps:   final <= safe <= head.
    """
    if policy.blocks:
        deep = max(-1, head - policy.blocks)
        return Lines(head, deep, deep)
    safe = min(safe, head)
    return Lines(head, safe, min(final, safe))


def level_for(policy: Policy, amount_micro: int, *, user_micro: int, total_micro: int) -> Level:
    """Return what an amount waits for, given what is already credited and not yet final.

    Units:   micro-USDC; `user_micro` of the same person, `total_micro` of everybody.
    """
    is_small = 0 < amount_micro <= policy.safe_up_to_micro
    fits_user = user_micro + amount_micro <= policy.safe_user_cap_micro
    fits_all = total_micro + amount_micro <= policy.safe_total_cap_micro
    return Level.SAFE if is_small and fits_user and fits_all else Level.FINAL


def reached(level: Level, block: int, at: Lines) -> bool:
    """Say whether a block is as sure as `level` asks."""
    return block <= (at.safe if level is Level.SAFE else at.final)


def progress(policy: Policy, block: int, at: Lines) -> Progress:
    """Return how far a block is on its way to final, for people.

    With tags nobody knows how many blocks it will take: the usual time says how many to expect,
    and the count stays one short of it until the block is final in truth.
    """
    needed = policy.blocks or max(1, policy.seconds * 1_000 // max(1, policy.block_ms))
    if block <= at.final:
        return Progress(needed, needed, 0)
    done = min(max(0, at.head - block), needed - 1)
    left = (needed - done) * policy.block_ms
    return Progress(done, needed, max(1, left // 1_000))
