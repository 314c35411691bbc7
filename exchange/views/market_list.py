"""The front page: every market with its price, its change and its state."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import clock
from exchange.engines.units import RATE
from exchange.selectors import markets
from exchange.selectors.markets import MarketView
from exchange.views.edge import page

QUERY_MAX = 60
STATES = {
    "trading": ("active", "stale_oracle", "reduce_only"),
    "funding": ("funding",),
    "closed": ("halted", "winding", "settled", "cancelled"),
}
SORTS = {"volume": "Volume", "change": "Change", "name": "Name"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visitor asked to see."""

    query: str
    topic: str
    state: str
    sort: str


@dataclass(frozen=True, slots=True)
class Card:
    """A market in the grid, with how far its funding is."""

    view: MarketView
    funded_e8: int
    goal_micro: int
    funding_left_s: int


@page
@require_safe
def market_list(request: HttpRequest) -> HttpResponse:
    """Show the markets that match, most traded first."""
    choice = _choice(request)
    everything = markets.views()
    shown = sorted(
        (view for view in everything if _matches(view, choice)), key=lambda v: _rank(v, choice.sort)
    )
    context = {
        "cards": [_card(view) for view in shown],
        "choice": choice,
        "query": choice.query,
        "topics": sorted({view.market.topic for view in everything}),
        "sorts": SORTS,
        "total": len(everything),
        "volume_micro": sum(view.day_volume_micro for view in everything),
        "pool_micro": sum(v.state.pool_micro + v.state.funding_micro for v in everything),
    }
    return render(request, "exchange/market_list.html", context)


def _choice(request: HttpRequest) -> Choice:
    asked = request.GET
    return Choice(
        query=asked.get("q", "").strip()[:QUERY_MAX],
        topic=asked.get("topic", "")[:QUERY_MAX],
        state=asked.get("state", "") if asked.get("state") in STATES else "",
        sort=asked.get("sort", "") if asked.get("sort") in SORTS else "volume",
    )


def _matches(view: MarketView, choice: Choice) -> bool:
    market = view.market
    text = f"{market.name} {market.ticker} {market.topic} {market.question}".casefold()
    return (
        all(word in text for word in choice.query.casefold().split())
        and choice.topic in ("", market.topic)
        and (not choice.state or view.mode in STATES[choice.state])
    )


def _rank(view: MarketView, sort: str) -> tuple[int, int, str]:
    group = next((n for n, modes in enumerate(STATES.values()) if view.mode in modes), len(STATES))
    name = view.market.name.casefold()
    if sort == "name":
        return (0, 0, name)
    if sort == "change":
        return (group, -abs(view.day_change_e8 or 0), name)
    return (group, -view.day_volume_micro, name)


def _card(view: MarketView) -> Card:
    goal = view.config.soft_cap_micro
    funded = min(RATE, view.state.funding_micro * RATE // goal)
    return Card(view, funded, goal, max(0, view.state.deadline_s - clock.now_s()))
