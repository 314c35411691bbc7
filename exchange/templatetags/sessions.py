"""Filters of the pages of sessions: tokens, their prices, chances, times, and the public log."""

from collections.abc import Sequence

from django import template

from exchange import figures
from exchange.engines.units import MICRO, PICO, format_fixed
from exchange.ids import public_id
from exchange.models import MarketEvent, Session
from exchange.selectors.outcome.sessions import OutcomeView

register = template.Library()

NOTHING = "—"
SIDES = ("YES", "NO")
PRICE_PLACES = 3
LIMIT_PLACES = (2, 4)
RATE_E9 = 10**9


@register.filter
def tokens(micro: int | None) -> str:
    """Write a number of tokens; they come in hundredths."""
    return NOTHING if micro is None else figures.trimmed(micro, MICRO, 0, 2)


@register.filter
def tokens_plain(micro: int) -> str:
    """Write a number of tokens as a ticket takes it."""
    return format_fixed(micro, 6).rstrip("0").rstrip(".")


@register.filter
def token_price(pico: int | None) -> str:
    """Write the price of a token."""
    return NOTHING if pico is None else figures.price(pico, PRICE_PLACES)


@register.filter
def token_price_exact(pico: int | None) -> str:
    """Write an average price, finer than the grid of limits."""
    return NOTHING if pico is None else figures.price(pico, 4)


@register.filter
def limit(micro: int | None) -> str:
    """Write a limit, which lies on a grid."""
    return NOTHING if micro is None else figures.trimmed(micro, MICRO, *LIMIT_PLACES)


@register.filter
def limit_plain(micro: int) -> str:
    """Write a limit as a ticket takes it."""
    return format_fixed(micro, 6).rstrip("0")


@register.filter
def chance(pico: int | None) -> str:
    """Write a YES price as the chance it stands for."""
    return NOTHING if pico is None else f"{figures.fixed(pico * 100, PICO, 1)}{figures.GROUP}%"


@register.filter
def thousandths(pico: int) -> int:
    """Return a price in thousandths, as the width of a bar."""
    return pico * 1000 // PICO


@register.filter
def ratio(rate_e9: int | None) -> str:
    """Write a rate of an outcome market as a percentage without needless zeros."""
    if rate_e9 is None:
        return NOTHING
    return f"{figures.trimmed(rate_e9 * 100, RATE_E9, 0, 4)}{figures.GROUP}%"


@register.filter
def ratio_signed(rate_e9: int | None) -> str:
    """Write a difference as a percentage with its sign."""
    if rate_e9 is None:
        return NOTHING
    return f"{figures.fixed(rate_e9 * 100, RATE_E9, 2, signed=True)}{figures.GROUP}%"


@register.filter
def clock_ms(ms: int | None) -> str:
    """Write a time on a session's clock: minutes and seconds since its start."""
    if ms is None:
        return NOTHING
    seconds = ms // 1000
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def lasting(ms: int) -> str:
    """Write how long something lasts in words: hours, minutes and seconds, as far as there are."""
    seconds = ms // 1000
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    said = [f"{count}{figures.GROUP}{unit}" for count, unit in parts if count]
    return " ".join(said) or interval(ms)


@register.filter
def interval(ms: int) -> str:
    """Write how long a batch lasts."""
    return f"{figures.trimmed(ms, 1000, 0, 3)}{figures.GROUP}s"


@register.filter
def side_word(token: int) -> str:
    """Return YES or NO; a token's index says both the outcome and this."""
    return SIDES[token & 1]


@register.filter
def order_code(key: int) -> str:
    """Return the public id of an order."""
    return public_id("ord", key)


@register.filter
def outcome_name(rows: Sequence[OutcomeView], token: int) -> str:
    """Return the name of the outcome that a token is of."""
    return rows[token >> 1].name


EVENTS = {
    "drafted": "Draft made",
    "cloned_from": "Draft made from:",
    "changed": "Draft changed:",
    "picture_set": "Picture chosen:",
    "picture_removed": "Picture removed:",
    "cloned": "Cloned:",
    "lobby": "Lobby opened",
    "joined": "Joined:",
    "started": "Started",
    "closed": "Lobby closed",
    "deleted": "Draft deleted",
    "frozen": "Trading froze",
    "reducing": "Selling only",
    "trading": "Trading goes on",
    "eliminate": "Eliminated:",
    "ended": "Trading ended",
    "resolved": "Resolved:",
    "reset": "Began again",
    "staff_ended": "Staff ended trading in the host's place",
    "staff_resolved": "Staff named the winner in the host's place:",
}


@register.filter
def event_words(event: MarketEvent) -> str:
    """Say what happened in a session."""
    return EVENTS.get(event.kind, event.kind.replace("_", " ").capitalize())


@register.filter
def event_detail(event: MarketEvent, session: Session) -> str:
    """Say the particulars: names of outcomes, of people, and who did it."""
    detail, names = event.detail, [label["name"] for label in session.outcomes]
    parts = []
    if "name" in detail:
        parts.append(str(detail["name"]))
    if "what" in detail:
        parts.append(", ".join(detail["what"]))
    if "outcomes" in detail:
        parts.append(", ".join(names[int(n)] for n in detail["outcomes"]))
    if detail.get("winner") is not None:
        parts.append(names[int(detail["winner"])])
    if detail.get("reason"):
        parts.append(f"“{detail['reason']}”")
    if detail.get("by"):
        parts.append(f"by {detail['by']}")
    return ", ".join(parts)
