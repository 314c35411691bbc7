"""One table of sentences: what to tell a person when a rule refuses, with the numbers behind it.

The engine's codes are those of the specification, section 17; the others are the core's own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from exchange import clock, figures
from exchange.errors import MegatronError

Fields = Mapping[str, Any]
Sentence = Callable[[Fields], str]

GENERAL = "The market refused this. Nothing was done."


def sentence(code: str, fields: Fields | None = None) -> str:
    """Return the sentence for a code; an unknown code has a plain one, never an empty line."""
    build = SENTENCES.get(code)
    return build(fields or {}) if build else GENERAL


def of(error: MegatronError) -> str:
    """Return the sentence for an error: the table's, or the message it came with."""
    known = error.code in SENTENCES
    return sentence(error.code, error.fields) if known else _as_sentence(error.message)


def _as_sentence(message: str) -> str:
    text = message[:1].upper() + message[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _usdc(fields: Fields, name: str) -> str:
    return f"{figures.usdc_exact(int(fields.get(name, 0)))} USDC"


def _shares(fields: Fields, name: str) -> str:
    return figures.shares_exact(int(fields.get(name, 0)))


def _largest(fields: Fields) -> str:
    """Say what would pass, where the engine worked it out."""
    amount, size = int(fields.get("amount_max_micro", 0)), int(fields.get("shares_max_nano", 0))
    if not amount and not size:
        return "Right now nothing larger than the smallest order would pass."
    return (
        f"The most that passes now is {figures.usdc(amount)} USDC ({figures.shares(size)} shares)."
    )


def _closed_only(fields: Fields) -> str:
    reasons = {
        "barred": "Opening is switched off here or for your account.",
        "winding": "This market is being wound down.",
    }
    reason = reasons.get(
        str(fields.get("reason", "")), "This market is not open for new positions."
    )
    return f"{reason} You can still sell what you hold."


def _not_active(fields: Fields) -> str:
    words = {
        "funding": "This market is still being funded; trading starts when it reaches its goal.",
        "settled": "This market is settled; trading is over.",
        "cancelled": "This market was cancelled; contributions were returned.",
    }
    return words.get(str(fields.get("status", "")), "This market is not trading.")


def _oracle_stale(fields: Fields) -> str:
    age, most = int(fields.get("age_s", 0)), int(fields.get("age_max_s", 0))
    return (
        f"The oracle was last heard {figures.age(age)} ago; buying pauses after"
        f" {figures.age(most)}. Selling stays open, and buying returns with the next oracle event."
    )


def _funds(fields: Fields) -> str:
    needed = int(fields.get("needed_micro", 0))
    there = int(fields.get("cash_micro", fields.get("available_micro", 0)))
    return (
        f"Need {figures.usdc_exact(max(0, needed - there))} USDC more: this takes"
        f" {figures.usdc_exact(needed)}, your free cash is {figures.usdc_exact(there)}."
    )


def _slippage(fields: Fields) -> str:
    if "shares_nano" in fields:
        got, least = _shares(fields, "shares_nano"), _shares(fields, "shares_min_nano")
        change = f"you would get {got} shares, and your limit is {least}"
    elif "cost_micro" in fields:
        cost, most = _usdc(fields, "cost_micro"), _usdc(fields, "cost_max_micro")
        change = f"it would cost {cost}, and your limit is {most}"
    else:
        out, least = _usdc(fields, "out_micro"), _usdc(fields, "out_min_micro")
        change = f"it would pay {out}, and your limit is {least}"
    return f"The price moved past the worst you accept: {change}. Nothing was traded."


def _no_position(fields: Fields) -> str:
    held = int(fields.get("held_nano", 0))
    if not held:
        return "You hold nothing here that could be sold."
    asked = _shares(fields, "asked_nano")
    return f"You hold {figures.shares_exact(held)} shares; this would sell {asked}."


def _impact(fields: Fields) -> str:
    most = figures.rate(int(fields.get("impact_max_e8", 0)))
    return f"One order may move the price by at most {most}. {_largest(fields)}"


def _band(fields: Fields) -> str:
    most = figures.price(int(fields.get("market_max_pico", 0)))
    return (
        f"Buying at once may not lift the price above {most}, the band around the oracle view."
        f" {_largest(fields)} The next oracle event may make room."
    )


def _hard_cap(fields: Fields) -> str:
    return f"The pool takes {_usdc(fields, 'amount_max_micro')} more before it is full."


def _deadline(fields: Fields) -> str:
    at = clock.at(int(fields.get("deadline_s", 0)))
    return f"Funding ended {at:%d %b %Y %H:%M} UTC; contributions are being returned."


SENTENCES: dict[str, Sentence] = {
    "args": lambda _: "Enter one size above zero.",
    "not_active": _not_active,
    "closed_only": _closed_only,
    "oracle_stale": _oracle_stale,
    "too_small": lambda f: f"The smallest order is {_usdc(f, 'value_min_micro')}.",
    "slippage": _slippage,
    "insufficient_funds": _funds,
    "curve_depth": lambda f: (
        f"The whole curve would pay at most {_usdc(f, 'target_max_micro')} now. Ask for less."
    ),
    "impact_cap": _impact,
    "band": _band,
    "oi_cap_long": lambda f: f"The market is at its cap for open positions. {_largest(f)}",
    "capital_long": lambda f: f"The pool cannot back a larger position now. {_largest(f)}",
    "account_cap": lambda f: f"One account may hold only part of this market. {_largest(f)}",
    "no_position": _no_position,
    "min_contribution": lambda f: f"The smallest contribution is {_usdc(f, 'value_min_micro')}.",
    "deadline": _deadline,
    "hard_cap": _hard_cap,
    "not_open": lambda _: "This market no longer takes contributions at par.",
    "not_expired": lambda _: "Funding is still running; there is nothing to return yet.",
    "nothing": lambda _: "There is nothing to pay out yet.",
    "market_halted": lambda f: (
        f"This market halted itself by the rule “{f.get('rule', 'invariant')}”. Balances are safe;"
        " nothing trades until the cause is found."
    ),
    "key_reused": lambda _: (
        "This form was already used for another order. Look at your orders before sending again."
    ),
    "busy": lambda _: "The market is busy. Your order is safe to send again: it can act only once.",
    "store_down": lambda _: "Our books cannot be reached right now. Nothing was lost.",
    "already_granted": lambda f: (
        "You had today's demo USDC already."
        + (f" More in {figures.age(int(f['retry_after_s']))}." if "retry_after_s" in f else "")
    ),
}
