"""What to tell a participant when a session refuses, with the numbers behind it."""

from collections.abc import Callable, Mapping
from typing import Any

from exchange import figures
from exchange.engines.units import MICRO, PICO, format_fixed

Fields = Mapping[str, Any]
Sentence = Callable[[Fields], str]

WORDS = {
    "draft": "This session is being prepared.",
    "lobby": "This session has not started yet.",
    "frozen": "Trading stands still until the next elimination or the result.",
    "ended": "Trading in this session is over; the result is being decided.",
    "settled": "This session is resolved; trading is over.",
    "resolved": "This session is resolved; trading is over.",
    "closed": "This session was closed.",
}


def frozen(fields: Fields) -> str:
    """Say that nothing trades now, and why."""
    known = WORDS.get(str(fields.get("status", "")))
    return known or "Trading stands still for a moment and goes on by itself."


def slipped(fields: Fields) -> str:
    """Say how far the average price was from the last published one."""
    filled = max(1, int(fields.get("filled_micro", 0)))
    average = int(fields.get("amount_micro", 0)) * PICO // filled
    most = figures.trimmed(int(fields.get("slippage_max_e9", 0)), 10**7, 0, 7)
    return (
        f"The average price would be {figures.price(average)}; the last published one is"
        f" {figures.price(int(fields.get('reference_pico', 0)))}, and you accept a difference of"
        f" {most} %. Nothing was traded."
    )


def _tokens(fields: Fields, name: str) -> str:
    return figures.trimmed(int(fields.get(name, 0)), MICRO, 0, 6)


def _bad_size(fields: Fields) -> str:
    return (
        f"A size is a multiple of {_tokens(fields, 'lot_micro')} tokens above zero and at most"
        f" {_tokens(fields, 'size_max_micro')}; this is {_tokens(fields, 'size_micro')}."
    )


def _bad_price(fields: Fields) -> str:
    tick = int(fields.get("tick_micro", MICRO // 100))
    least, most = (format_fixed(price, 6).rstrip("0") for price in (tick, MICRO - tick))
    return (
        f"A limit is a multiple of {least} from {least} to {most} USDC;"
        f" this is {_tokens(fields, 'price_micro')}."
    )


def _insufficient_tokens(fields: Fields) -> str:
    return (
        f"You have {_tokens(fields, 'held_micro')} free tokens of this kind;"
        f" this would sell {_tokens(fields, 'needed_micro')}."
    )


def _above_par(fields: Fields) -> str:
    cost = figures.usdc_exact(int(fields.get("cost_micro", fields.get("amount_micro", 0))))
    size = _tokens(fields, "size_micro")
    return (
        f"The market maker would take {cost} USDC for {size} tokens: 1 USDC or more for what pays"
        " 1 USDC at best. Ask for less, or set a limit."
    )


SESSIONS: dict[str, Sentence] = {
    "frozen": frozen,
    "reduce_only": lambda _: "For now one can only sell and take orders back in this session.",
    "inactive_outcome": lambda _: "This outcome is out of play; choose one that is still in.",
    "bad_size": _bad_size,
    "bad_price": _bad_price,
    "above_par": _above_par,
    "no_liquidity": lambda _: "Nobody buys this token right now, so nothing could be sold.",
    "insufficient_tokens": _insufficient_tokens,
    "session_state": lambda f: (
        f"This session is {f.get('status', 'elsewhere')}; this needs one that is"
        f" {f.get('wanted', 'not')}."
    ),
    "host_decides": lambda _: (
        "Its host decides. Staff may do it in the host's place when a day has passed."
    ),
    "session_full": lambda f: (
        f"This session is full: it takes {f.get('participants_max', '')} participants."
    ),
}
