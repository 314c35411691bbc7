"""The engine's result as it is stored under the command's key and given to every retry."""

from typing import Any

from exchange.engines import outcome


def mapping(result: outcome.Result) -> dict[str, Any]:
    """Return the result as JSON-safe values; a refusal alone has a `code`."""
    match result:
        case outcome.Rejected(code, fields):
            return {"code": code, "fields": dict(fields)}
        case outcome.Placed(order):
            return of_order(order)
        case outcome.Cancelled(order, returned):
            return {**of_order(order), "returned_micro": returned}
        case outcome.Gated(mode):
            return {"mode": mode}
        case outcome.Resolved():
            return {"winner": result.winner, "paid": [list(pair) for pair in result.paid]}
        case outcome.Eliminated():
            return {
                "outcomes": list(result.outcomes),
                "paid": [list(pair) for pair in result.paid],
                "before_pico": result.before_pico,
                "factor_e9": result.factor_e9,
            }


def of_order(order: outcome.Order) -> dict[str, Any]:
    """Return an order as the end of its batch has left it."""
    return {
        "ref": order.id,
        "status": order.status,
        "filled_micro": order.filled_micro,
        "remaining_micro": order.remaining_micro,
        "amount_micro": order.amount_micro,
        "fee_micro": order.fee_micro,
        "rebate_micro": order.rebate_micro,
        "gas_micro": order.gas_micro,
    }
