"""The states of a withdrawal and the moves between them; no other move exists."""

from enum import StrEnum


class State(StrEnum):
    """Where a withdrawal stands. The money is on hold from `held` to the end."""

    HELD = "held"
    REVIEW = "review"
    APPROVED = "approved"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    FINAL = "final"
    CANCELLED = "cancelled"
    RETURNED = "returned"


ENDS = frozenset({State.FINAL, State.CANCELLED, State.RETURNED})
OPEN = frozenset(State) - ENDS
# Before a signature exists the owner may take it back.
CANCELLABLE = frozenset({State.HELD, State.REVIEW, State.APPROVED})
# A signature exists, so only the end of its nonce may return the money.
SIGNED_ONCE = frozenset({State.SIGNED, State.BROADCAST, State.MINED})
MOVES: dict[State, frozenset[State]] = {
    State.HELD: frozenset({State.REVIEW, State.APPROVED, State.CANCELLED, State.RETURNED}),
    State.REVIEW: frozenset({State.APPROVED, State.CANCELLED, State.RETURNED}),
    State.APPROVED: frozenset({State.SIGNED, State.CANCELLED, State.RETURNED}),
    State.SIGNED: frozenset({State.BROADCAST, State.MINED, State.FINAL, State.RETURNED}),
    State.BROADCAST: frozenset({State.SIGNED, State.MINED, State.FINAL, State.RETURNED}),
    # A reorg takes a mined transaction out again.
    State.MINED: frozenset({State.BROADCAST, State.FINAL, State.RETURNED}),
    State.FINAL: frozenset(),
    State.CANCELLED: frozenset(),
    State.RETURNED: frozenset(),
}


class IllegalMove(Exception):
    """Our own mistake: a withdrawal was asked to make a move that does not exist."""


def move(before: State, after: State) -> State:
    """Return `after`. Raises IllegalMove for a move that does not exist."""
    if after not in MOVES[before]:
        raise IllegalMove(f"a withdrawal does not go from {before} to {after}")
    return after


def bumped(fee: int) -> int:
    """Return the fee of a replacement. Rounds up, so that the rise is never below 12.5 %."""
    return fee + max(1, -(-fee // 8))


def day_limit(age_s: int) -> int:
    """Return what an account of that age may withdraw within a day, in micro-USDC."""
    return FIRST_DAY_MICRO if age_s < DAY_S else DAY_MICRO


DAY_S = 86_400
FIRST_DAY_MICRO = 2_000_000_000
DAY_MICRO = 5_000_000_000
NEW_ADDRESS_S = 48 * 3_600
FREEZE_S = 24 * 3_600
