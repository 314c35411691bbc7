"""What a person asks of a market: trades, contributions, claims. Each is one command with a key."""

from typing import TypedDict, Unpack

from exchange.errors import Malformed
from exchange.models import Market, User
from exchange.services import commands
from exchange.services.batch import Receipt

COUNT_MAX = 2**63 - 1
SIZES = {"buy": ("amount_micro", "shares_nano"), "sell": ("shares_nano", "target_micro")}
BOUNDS = {"buy": ("min_shares_nano", "max_cost_micro"), "sell": ("min_out_micro",)}


class Size(TypedDict, total=False):
    """How much, and the worst outcome accepted: the scale is in the name."""

    amount_micro: int
    shares_nano: int
    target_micro: int
    min_shares_nano: int
    max_cost_micro: int
    min_out_micro: int


def order_place(
    *, user: User, market: Market, side: str, key: str, **size: Unpack[Size]
) -> Receipt:
    """Trade at once against the market's curve and return the receipt after the commit.

    Units:   exactly one size: amount_micro or shares_nano to buy, shares_nano or target_micro to
             sell; bounds are optional, and the order is refused (`slippage`) if one is not met.
    Raises:  Malformed, Conflict key_reused, Unprocessable with the market's code, Unavailable.
    Locks:   the market's live row, then the user's cash, inside the settlement.
    """
    if side not in SIZES:
        raise Malformed(f"side {side[:20]!r} is not buy or sell", fields={"side": side[:20]})
    given = {name: count for name, count in size.items() if count is not None}
    stray = sorted(set(given) - {*SIZES[side], *BOUNDS[side]})
    if stray:
        raise Malformed(
            f"{stray[0]} does not belong to a {side}",
            code="field_unknown",
            fields={"field": stray[0]},
        )
    if len([name for name in SIZES[side] if name in given]) != 1:
        names = " or ".join(SIZES[side])
        raise Malformed(
            f"a {side} needs exactly one of {names}", code="field_missing", fields={"field": names}
        )
    for name, count in given.items():
        _require_count(name, count)
    return commands.submit(market_id=market.pk, kind=side, payload=given, key=key, user_id=user.pk)


def contribution_place(*, user: User, market: Market, amount_micro: int, key: str) -> Receipt:
    """Put money into a market that is being funded.

    Raises:  Malformed, Conflict, Unprocessable (min_contribution, hard_cap, deadline, …).
    Locks:   as order_place.
    """
    _require_count("amount_micro", amount_micro)
    payload = {"amount_micro": amount_micro}
    return commands.submit(
        market_id=market.pk, kind="contribute", payload=payload, key=key, user_id=user.pk
    )


def fees_claim(*, user: User, market: Market, key: str) -> Receipt:
    """Pay a provider the fees its stake has earned.

    Raises:  Conflict, Unprocessable nothing, Unavailable.
    Locks:   as order_place.
    """
    return commands.submit(market_id=market.pk, kind="claim", payload={}, key=key, user_id=user.pk)


def _require_count(name: str, count: object) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= COUNT_MAX:
        raise Malformed(
            f"{name} is not a whole number between 0 and {COUNT_MAX}",
            code="money_malformed",
            fields={"field": name},
        )
