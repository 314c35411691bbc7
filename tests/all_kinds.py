"""A few orders among three people that trade in each of the six ways there are."""

from collections.abc import Sequence

from exchange.models import Participant
from tests.factories import ask

# What they ask for, by the number of who asks: side, token, size, limit, auto-fill.
ASKED = (
    (2, "buy", "0n", "40", None, False),
    (0, "buy", "0y", "60", "0.47", False),
    (1, "buy", "0n", "60", "0.55", False),  # mints with the bid before it
    (0, "sell", "0y", "20", "0.50", False),
    (1, "sell", "0n", "60", None, False),  # merges with the offer before it
    (2, "sell", "0n", "10", None, False),  # the market maker has issued none that are left
    (1, "buy", "1y", "20", "0.49", True),
    (2, "buy", "0y", "300", None, False),  # the price of 1y falls to the bid before it
    (0, "buy", "0y", "5", "0.65", False),
    (2, "sell", "0y", "280", "0.50", False),  # the market maker's price falls past the bid
)
KINDS = {"amm", "direct", "mint", "merge", "convert", "auto"}


def every_kind(people: Sequence[Participant]) -> None:
    """Leave orders of the first three people for the next tick."""
    for who, side, token, size, price, auto_fill in ASKED:
        ask(people[who], side, token, size, price=price, auto_fill=auto_fill, max_slippage="1")
