"""The linear bonding curve M(s) = P0 + k*s in exact integers: values, costs and their inverses.

A price is a count of 1e-27 (pico price x femto), twice a value is a count of 1e-36, so that no
product of a price in pico, a slope in atto and shares in nano is ever rounded before the end.
"""

from exchange.engines.rounding import div_ceil, div_floor, root_floor

# pico to 1e-27, and one micro-USDC as twice a value of 1e-36
PRICE = 10**15
TWICE = 2 * 10**30


def price_exact(p0_pico: int, k_atto: int, supply_nano: int) -> int:
    """Return the marginal price M at a net supply, exact.

    Units:   1e-27.
    """
    return p0_pico * PRICE + k_atto * supply_nano


def value_exact(p0_pico: int, k_atto: int, shares_nano: int) -> int:
    """Return twice V(s), the signed value of closing a net position of `shares_nano`, exact.

    Units:   1e-36.
    """
    return shares_nano * (2 * PRICE * p0_pico + k_atto * shares_nano)


def worst_exact(p0_pico: int, k_atto: int, short_nano: int) -> int:
    """Return twice W(x), the most the pool puts up for `short_nano` short shares, exact.

    Units:   1e-36.
    Keeps:   W(x) = -V(-x).
    """
    return short_nano * (2 * PRICE * p0_pico - k_atto * short_nano)


def cost(price: int, k_atto: int, shares_nano: int) -> int:
    """Return what buying `shares_nano` costs from the exact marginal `price` on.

    Units:   micro-USDC.
    Rounds:  up, so that the pool never sells below the curve.
    """
    return div_ceil(shares_nano * (2 * price + k_atto * shares_nano), TWICE)


def proceeds(price: int, k_atto: int, shares_nano: int) -> int:
    """Return what selling `shares_nano` pays from the exact marginal `price` on.

    Units:   micro-USDC.
    Rounds:  down, so that a round trip can never profit.
    """
    return div_floor(shares_nano * (2 * price - k_atto * shares_nano), TWICE)


def shares_for(price: int, k_atto: int, net_micro: int) -> int:
    """Return the most shares that `net_micro` buys.

    Units:   micro-USDC in, nano shares out.
    Rounds:  down; the integer root makes it the largest q with V(S+q) - V(S) <= n, so there is
             nothing to correct.
    Raises:  nothing; the caller has checked price > 0 and net_micro >= 0.
    """
    budget = net_micro * TWICE
    if k_atto == 0:
        return div_floor(budget, 2 * price)
    return div_floor(root_floor(price * price + k_atto * budget) - price, k_atto)


def shares_for_sale(price: int, k_atto: int, target_micro: int) -> int | None:
    """Return the fewest shares whose proceeds reach a target, None where the curve ends first.

    Units:   micro-USDC in, nano shares out.
    Rounds:  up; the integer root makes it the smallest q with proceeds(q) >= g.
    Raises:  nothing; the caller has checked price > 0 and target_micro >= 0.
    """
    goal = target_micro * TWICE
    if k_atto == 0:
        return div_ceil(goal, 2 * price)
    square = price * price - k_atto * goal
    if square < 0:
        return None
    shares = div_ceil(price - root_floor(square), k_atto)
    # next to the end of the curve the one real solution may lie between two quanta
    return shares if shares * (2 * price - k_atto * shares) >= goal else None


def sale_max(price: int, k_atto: int, held_nano: int) -> int:
    """Return the largest gross amount that a sale of at most `held_nano` can reach.

    Units:   micro-USDC.
    """
    if k_atto:
        held_nano = min(held_nano, div_floor(price, k_atto))
    return proceeds(price, k_atto, held_nano)
