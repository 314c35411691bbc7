"""The scales that only outcome markets use, and the token index they share."""

# rates and dimensionless parameters; their suffix is _e9
RATE = 10**9
# the potential counts 1e-21 USDC: this many to a micro-USDC
WEIGHT = 10**15
# the unit of orders and fills: a hundredth of a token, in micro-tokens
LOT = 10**4
# pool cash and depth count 1e-12 USDC: this many to a micro-USDC
FINE = 10**6
SIZE_MAX = 10**7 * 10**6

YES = 0
NO = 1


def token_of(outcome: int, side: int) -> int:
    """Return the index of a token; its complement differs in the last bit."""
    return 2 * outcome + side
