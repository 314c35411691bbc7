"""Who paid what to whom in one execution."""

from dataclasses import dataclass

from exchange.models import Fill


@dataclass(frozen=True, slots=True)
class Payment:
    """One line of a receipt: from whom, to whom, how much, and what for."""

    payer: str
    payee: str
    amount_micro: int
    purpose: str


def payments_of(fill: Fill) -> list[Payment]:
    """Return the lines of one execution that was not a liquidation."""
    value, providers = fill.value_micro, fill.lp_fee_micro
    lines = [
        *_curve(fill, value),
        Payment("You", "Liquidity providers", providers, "their part of the fee"),
        Payment("You", "Treasury", fill.fee_micro - providers, "the rest of the fee"),
        Payment("You", "Pool", fill.surcharge_micro, "surcharge while the oracle view lags"),
    ]
    return [line for line in lines if line.amount_micro]


def _curve(fill: Fill, value: int) -> list[Payment]:
    shares = "the shares, along the curve"
    if fill.leg == "open_short":
        return [
            Payment("Pool", "Your escrow", value, f"{shares}; kept until the short is closed"),
            Payment("You", "Your escrow", fill.escrow_micro - value, "your margin"),
        ]
    if fill.leg in {"cover_short", "liquidation"}:
        return [
            Payment("Your escrow", "You", -fill.escrow_micro, "what the closed part frees"),
            Payment("You", "Pool", value, shares),
        ]
    if fill.side == "buy":
        return [Payment("You", "Pool", value, shares)]
    return [Payment("Pool", "You", value, shares)]
