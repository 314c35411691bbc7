"""One table of sentences: what to tell a person when a rule refuses, with the numbers behind it.

The engines' codes are those of their specifications; the others are the core's own. Sentences of
sessions are in refusals_sessions.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from exchange import clock, figures
from exchange.errors import MegatronError
from exchange.refusals_sessions import SESSIONS, slipped

Fields = Mapping[str, Any]
Sentence = Callable[[Fields], str]

GENERAL = "The market refused this. Nothing was done."
CLOSING = "You can still close what you hold."


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
    size, amount = int(fields.get("shares_max_nano", 0)), int(fields.get("amount_max_micro", 0))
    if not amount and not size:
        return "Right now nothing larger than the smallest order would pass."
    shares = f"{figures.shares(size)} shares"
    if "amount_max_micro" not in fields:
        return f"The most that passes now is {shares}."
    return f"The most that passes now is {figures.usdc(amount)} USDC ({shares})."


def _units(fields: Fields) -> str:
    return f"The most that passes now is {_shares(fields, 'units_max_nano')} units."


def _args(fields: Fields) -> str:
    reason = str(fields.get("reason", ""))
    return _as_sentence(reason) if reason else "Enter one size above zero."


def _closed_only(fields: Fields) -> str:
    if fields.get("reason") == "barred":
        return f"{_barred(fields)} {CLOSING}"
    if fields.get("reason") == "winding":
        return f"This market is being wound down. {CLOSING}"
    return f"This market is not open for new positions. {CLOSING}"


def _barred(fields: Fields) -> str:
    """Say who or what bars opening: a rule for a while, staff for this market, or for somebody."""
    by = fields.get("by")
    if by == "pause":
        until = clock.at(int(fields.get("until_s", 0)))
        return (
            "The price moved too far within a minute, so nothing opens here until"
            f" {until:%H:%M:%S} UTC; then opening returns by itself."
        )
    if by == "reduce_only":
        return "Staff has set this market reduce-only; the reason is on its page."
    if by == "account":
        return "Opening is switched off for your account."
    return "Opening is paused in this market or switched off for your account."


def _not_active(fields: Fields) -> str:
    words = {
        "funding": "This market is still being funded; trading starts when it reaches its goal.",
        "winding": "This market is being wound down.",
        "settled": "This market is settled; trading is over.",
        "cancelled": "This market was cancelled; contributions were returned.",
    }
    return words.get(str(fields.get("status", "")), "This market is not trading.")


def _oracle_stale(fields: Fields) -> str:
    age, most = int(fields.get("age_s", 0)), int(fields.get("age_max_s", 0))
    return (
        f"The oracle was last heard {figures.age(age)} ago; opening pauses after"
        f" {figures.age(most)}. Closing stays open, and opening returns with the next oracle event."
    )


def _too_small(fields: Fields) -> str:
    if "amount_micro" in fields:
        return f"{_usdc(fields, 'amount_micro')} is too little to buy back even the smallest part."
    if "value_micro" in fields and "value_min_micro" not in fields:
        return f"{_usdc(fields, 'value_micro')} is too little for the smallest unit of this pool."
    return f"The smallest order is {_usdc(fields, 'value_min_micro')}."


def _funds(fields: Fields) -> str:
    needed = int(fields.get("needed_micro", 0))
    there = int(fields.get("cash_micro", fields.get("available_micro", 0)))
    text = (
        f"Need {figures.usdc_exact(max(0, needed - there))} USDC more: this takes"
        f" {figures.usdc_exact(needed)}, your free cash is {figures.usdc_exact(there)}."
    )
    return f"{text} {_largest(fields)}" if "shares_max_nano" in fields else text


def _slippage(fields: Fields) -> str:
    if "reference_pico" in fields:
        return slipped(fields)
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
    held = abs(int(fields.get("held_nano", 0)))
    if held and "asked_nano" in fields:
        asked = _shares(fields, "asked_nano")
        return f"You hold {figures.shares_exact(held)} shares; this would close {asked}."
    if fields and "asked_nano" not in fields:
        return "You hold nothing here that this could close."
    return "You hold nothing here that could be sold."


def _impact(fields: Fields) -> str:
    most = figures.rate(int(fields.get("impact_max_e8", 0)))
    return f"One order may move the price by at most {most}. {_largest(fields)}"


def _band(fields: Fields) -> str:
    if "market_min_pico" in fields:
        least = figures.price(int(fields["market_min_pico"]))
        rule = f"Selling at once may not push the price below {least}"
    else:
        most = figures.price(int(fields.get("market_max_pico", 0)))
        rule = f"Buying at once may not lift the price above {most}"
    return (
        f"{rule}, the band around the oracle view."
        f" {_largest(fields)} The next oracle event may make room."
    )


def _price_floor(fields: Fields) -> str:
    least = figures.price(int(fields.get("price_min_pico", 0)))
    text = f"Even with every short open, the price must stay above {least}."
    return f"{text} {_largest(fields)}" if "shares_max_nano" in fields else text


def _margin_low(fields: Fields) -> str:
    return (
        f"The escrow must keep {_usdc(fields, 'escrow_min_micro')} for this position."
        f" The most you can take out now is {_usdc(fields, 'amount_max_micro')}."
    )


def _margin_limit(fields: Fields) -> str:
    needed, most = _usdc(fields, "margin_micro"), _usdc(fields, "margin_max_micro")
    return f"This takes {needed} of margin, and your limit is {most}. Nothing was traded."


def _stop_side(fields: Fields) -> str:
    stop, edge = (figures.price(int(fields.get(name, 0))) for name in ("stop_pico", "edge_pico"))
    return (
        f"A stop-loss lies where the position loses: below {edge} for a long, above it for a"
        f" short. {stop} does not."
    )


def _target_side(fields: Fields) -> str:
    target = figures.price(int(fields.get("target_pico", 0)))
    market = figures.price(int(fields.get("market_pico", 0)))
    return (
        f"A take-profit lies where the position gains: above {market} for a long, below it for a"
        f" short. {target} does not."
    )


def _exists(fields: Fields) -> str:
    if "held_nano" in fields:
        return "You hold the opposite side of this market; close that first."
    return "A timed exit is running for this position already. Cancel it to start another."


def _impaired(fields: Fields) -> str:
    if int(fields.get("clamped", 0)):
        return (
            "The pool owes a price rise that it cannot book yet, so it takes no deposits until"
            " that is made good."
        )
    return (
        f"The pool has {_usdc(fields, 'equity_micro')} left for {_shares(fields, 'units_nano')}"
        " units, which is too little to take deposits."
    )


def _daily_cap(fields: Fields) -> str:
    return (
        f"Providers together may take {_usdc(fields, 'amount_max_micro')} more today;"
        f" this would pay {_usdc(fields, 'amount_micro')}. {_units(fields)}"
    )


def _free_capital(fields: Fields) -> str:
    if "free_min_micro" in fields:
        return (
            f"The pool's free capital would be {_usdc(fields, 'free_micro')}; open positions need"
            f" {_usdc(fields, 'free_min_micro')}."
        )
    return (
        "The rest of the pool backs open positions:"
        f" {_usdc(fields, 'amount_max_micro')} is free, this would pay"
        f" {_usdc(fields, 'amount_micro')}. {_units(fields)}"
    )


def _busy(fields: Fields) -> str:
    if "limit" in fields:
        return "The limits cannot be checked right now. Nothing was done."
    return "The market is busy. Your order is safe to send again: it can act only once."


def _nothing(fields: Fields) -> str:
    if "ref" in fields:
        return "This order is no longer open, so there is nothing to take back."
    if "status" in fields:
        return "There is nothing to return."
    return "There is nothing to pay out yet."


def _not_expired(fields: Fields) -> str:
    if "settle_at_s" in fields:
        at = clock.at(int(fields["settle_at_s"]))
        return f"This market settles on {at:%d %b %Y %H:%M} UTC, not before."
    return "Funding is still running; there is nothing to return yet."


def _not_open(fields: Fields) -> str:
    words = {
        "winding": "This market is being wound down and takes no contributions.",
        "settled": "This market is settled and takes no contributions.",
        "cancelled": "This market was cancelled and takes no contributions.",
    }
    return words.get(
        str(fields.get("status", "")), "This market no longer takes contributions at par."
    )


def _hard_cap(fields: Fields) -> str:
    return f"The pool takes {_usdc(fields, 'amount_max_micro')} more before it is full."


def _deadline(fields: Fields) -> str:
    at = clock.at(int(fields.get("deadline_s", 0)))
    return f"Funding ended {at:%d %b %Y %H:%M} UTC; contributions are being returned."


def _capped(rule: str) -> Sentence:
    """Return a rule with the largest size that would pass."""
    return lambda fields: f"{rule} {_largest(fields)}"


# The codes of the specification, in its order.
ENGINE: dict[str, Sentence] = {
    "args": _args,
    "not_active": _not_active,
    "closed_only": _closed_only,
    "oracle_stale": _oracle_stale,
    "too_small": _too_small,
    "slippage": _slippage,
    "insufficient_funds": _funds,
    "curve_depth": lambda f: (
        f"The whole curve would pay at most {_usdc(f, 'target_max_micro')} now. Ask for less."
    ),
    "impact_cap": _impact,
    "band": _band,
    "oi_cap_long": _capped("The market is at its cap for open positions."),
    "capital_long": _capped("The pool cannot back a larger position now."),
    "price_floor": _price_floor,
    "oi_cap_short": _capped("The market is at its cap for open shorts."),
    "capital_short": _capped("The pool cannot fund a larger short now."),
    "capital_long_cover": _capped("A larger short would take what backs the open longs."),
    "account_cap": _capped("One account may hold only part of this market."),
    "margin_low": _margin_low,
    "margin_limit": _margin_limit,
    "no_short": lambda _: "You have no short here, so there is no collateral to change.",
    "no_position": _no_position,
    "sl_side": _stop_side,
    "tp_side": _target_side,
    "not_open": _not_open,
    "exists": _exists,
    "no_quorum": lambda f: (
        f"An oracle event needs {int(f.get('reports_min', 0))} reports that can be used;"
        f" there are {int(f.get('reports', 0))}."
    ),
    "min_contribution": lambda f: f"The smallest contribution is {_usdc(f, 'value_min_micro')}.",
    "deadline": _deadline,
    "hard_cap": _hard_cap,
    "impaired": _impaired,
    "not_vested": lambda f: f"Not so many of your units have vested. {_units(f)}",
    "instant_limit": lambda f: (
        f"Only part of what has vested can be withdrawn at once in a day. {_units(f)}"
        " The queue takes the rest."
    ),
    "daily_cap": _daily_cap,
    "free_capital": _free_capital,
    "queue_first": lambda _: "Others wait to be paid out. Join the queue; nobody is passed over.",
    "nothing": _nothing,
    "not_expired": _not_expired,
    "not_winding": lambda _: "This market is not being wound down.",
    "would_liquidate": lambda _: "This would leave a short below its maintenance margin.",
}
SENTENCES: dict[str, Sentence] = {
    **ENGINE,
    **SESSIONS,
    "market_halted": lambda f: (
        f"This market halted itself by the rule “{f.get('rule', 'invariant')}”. Balances are safe;"
        " nothing trades until the cause is found."
    ),
    "key_reused": lambda _: (
        "This form was already used for another order. Look at your orders before sending again."
    ),
    "busy": _busy,
    "store_down": lambda _: "Our books cannot be reached right now. Nothing was lost.",
    "already_granted": lambda f: (
        "You had today's demo USDC already."
        + (f" More in {figures.age(int(f['retry_after_s']))}." if "retry_after_s" in f else "")
    ),
}
