"""An engine's result as it is stored under the command's key and given to every retry."""

from typing import Any

from exchange.engines import variable

TOTALS = (
    "side",
    "shares_nano",
    "value_micro",
    "net_micro",
    "fee_micro",
    "surcharge_micro",
    "price_pico",
    "realised_micro",
    "market_before_pico",
    "market_pico",
    "margin_micro",
)


def mapping(result: variable.Result) -> dict[str, Any]:
    """Return the result as JSON-safe values; a refusal alone has a `code`."""
    if isinstance(result, variable.Rejected):
        return {"code": result.code, "fields": dict(result.fields)}
    if isinstance(result, variable.Filled):
        totals: dict[str, Any] = {name: getattr(result, name) for name in TOTALS}
        totals["lp_fee_micro"] = sum(fill.lp_fee_micro for fill in result.legs)
        totals["legs"] = [
            {"leg": fill.leg, "shares_nano": fill.shares_nano, "value_micro": fill.value_micro}
            for fill in result.legs
        ]
        if result.committed is not None:
            totals["committed"] = result.committed
        return totals
    return {"kind": result.kind, **result.fields}
