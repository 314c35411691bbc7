"""The rows of a session's page, and moulds of them that a page fills from the news of ticks."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.models import OutcomeFill, OutcomeOrder
from exchange.selectors.outcome.book import Level
from exchange.selectors.outcome.portfolio import HoldingView
from exchange.selectors.outcome.sessions import OutcomeView, SessionView

# Executions with the market maker have a side of their own; those between people are matches.
WITH_MAKER = ("amm", "auto", "convert")
BETWEEN_PEOPLE = ("direct", "mint", "merge")


@dataclass(frozen=True, slots=True)
class Row:
    """One outcome in the list, with its price since the launch."""

    view: OutcomeView
    spark: str
    change_e8: int | None
    held: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rung:
    """A price of the book; the bar says how much of the deepest level it is, in hundredths."""

    level: Level
    bar: int


@dataclass(frozen=True, slots=True)
class Side:
    """One token's book."""

    token: int
    bids: Sequence[Rung]
    asks: Sequence[Rung]
    quote: OutcomeView


@dataclass(frozen=True, slots=True)
class Own:
    """Tokens that somebody holds, with the gain over what they cost."""

    row: HoldingView
    view: OutcomeView
    gain_micro: int | None


@dataclass(frozen=True, slots=True)
class Moulds:
    """One row of each kind."""

    rung: Rung
    fills: list[tuple[str, OutcomeFill]]
    outcome: OutcomeView
    own: Own
    order: OutcomeOrder


def moulds(view: SessionView) -> Moulds:
    """Return the moulds of a session's page; a trade's is named by its kind and its side."""
    fills = [(f"{kind}-buy", _fill(kind, buyer=1)) for kind in WITH_MAKER]
    fills += [(f"{kind}-sell", _fill(kind, seller=1)) for kind in WITH_MAKER]
    fills += [(kind, _fill(kind)) for kind in BETWEEN_PEOPLE]
    first = view.outcomes[0]
    holding = HoldingView(
        outcome=0,
        token=0,
        free_micro=0,
        locked_micro=0,
        bought_micro=0,
        cost_micro=0,
        price_pico=0,
    )
    order = OutcomeOrder(ref=0, token=0, buys=True, size_micro=0, remaining_micro=0, price_micro=0)
    return Moulds(Rung(Level(0, 0, 0, 0), 0), fills, first, Own(holding, first, None), order)


def _fill(kind: str, *, buyer: int | None = None, seller: int | None = None) -> OutcomeFill:
    return OutcomeFill(kind=kind, token=0, size_micro=0, price_pico=0, buyer=buyer, seller=seller)
