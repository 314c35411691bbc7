"""What is worth moving to the treasury, and what gas is worth in USDC."""

ETHER = 10**18
# A transfer by authorisation through the Sweeper, and what a batch costs beside its legs; with room
# for a token behind a proxy. Offered, not paid: what is left over is not taken.
GAS_LEG, GAS_SWEEP = 100_000, 80_000
# A plain transfer, and the ether's way to the address before it.
GAS_TRANSFER, GAS_TOPUP = 120_000, 30_000

LEGS_MOST = 50
# Sweeping leaves so much of the paying wallet's ether to payments: a nonce that cannot be paid for
# would hold up every one after it.
SHARE = 2


def legs_most(gas_affordable: int) -> int:
    """Return how many legs a batch may have, by the gas that sweeping may still pledge."""
    return max(0, min(LEGS_MOST, (gas_affordable - GAS_SWEEP) // GAS_LEG))


def price_micro(wei: int, ether_micro: int) -> int:
    """Return what gas is worth at a price of one ether, in micro-USDC. Rounds up."""
    return -(-wei * ether_micro // ETHER)


def least_micro(*, floor_micro: int, times: int, cost_wei: int, ether_micro: int) -> int:
    """Return from which amount an address is swept: a floor, or so many times what it costs."""
    return max(floor_micro, times * price_micro(cost_wei, ether_micro))


def excess_micro(*, held: int, promised: int, cap: int, floor_micro: int) -> int:
    """Return what a paying wallet has too much, or 0 where that is not worth a transaction.

    Keeps:   everything promised stays beside the cap.
    """
    above = held - promised - cap
    return above if above >= floor_micro else 0
