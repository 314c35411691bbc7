"""Pools as providers compare them: how far funding is, what a unit is worth, what fees came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from exchange import clock
from exchange.engines import variable
from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.models import Market, Stake
from exchange.selectors import lists, markets
from exchange.selectors.markets import MarketView
from liquidity.selectors import simulations

# nano units in a micro-USDC at par
UNITS_AT_PAR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """One pool. Money in micro-USDC; the value of a unit in 1e-8 of what it was paid in at."""

    view: MarketView
    funded_e8: int
    goal_micro: int
    left_micro: int
    room_micro: int
    deadline_s: int
    left_s: int
    equity_micro: int
    unit_value_e8: int | None
    fees_micro: int
    providers: int

    @property
    def market(self) -> Market:
        """The market that the pool stands behind."""
        return self.view.market

    @property
    def is_funding(self) -> bool:
        """Whether contributions are still being collected."""
        return self.view.state.status == Market.Status.FUNDING


def pools() -> list[PoolView]:
    """Return the pools of all markets that are funding or trade, by name."""
    living = (Market.Status.FUNDING, Market.Status.ACTIVE, Market.Status.WINDING)
    rows = Market.objects.filter(status__in=living).select_related("live").order_by("name")
    return _views(list(rows))


def page(*, after: str | None, limit: int) -> list[PoolView]:
    """Return pools by slug; one more than `limit` where there is another page."""
    return _views(lists.markets(after=after, limit=limit))


def pool(market: Market) -> PoolView:
    """Return one pool."""
    return _views([market])[0]


def _views(rows: Sequence[Market]) -> list[PoolView]:
    if not rows:
        return []
    sums = _sums([row.pk for row in rows])
    return [_view(view, sums.get(view.market.pk, (0, 0))) for view in markets.views(rows)]


def _sums(ids: list[int]) -> Mapping[int, tuple[int, int]]:
    """Return by market the fees that providers have claimed, and how many providers there are."""
    held = Stake.objects.filter(market_id__in=ids).values("market_id")
    rows = held.annotate(claimed=Sum("claimed_micro"), n=Count("pk", filter=Q(units_nano__gt=0)))
    return {pk: (claimed, n) for pk, claimed, n in rows.values_list("market_id", "claimed", "n")}


def _view(view: MarketView, sums: tuple[int, int]) -> PoolView:
    state, config = view.state, view.config
    funding = state.status == Market.Status.FUNDING
    collected = state.funding_micro if funding else state.equity_micro
    claimed, providers = sums
    return PoolView(
        view=view,
        funded_e8=min(RATE, div_floor(state.funding_micro * RATE, config.soft_cap_micro)),
        goal_micro=config.soft_cap_micro,
        left_micro=max(0, config.soft_cap_micro - state.funding_micro),
        room_micro=max(0, config.hard_cap_micro - collected),
        deadline_s=state.deadline_s,
        left_s=max(0, state.deadline_s - clock.now_s()),
        equity_micro=state.equity_micro,
        unit_value_e8=div_floor(state.equity_micro * RATE * UNITS_AT_PAR, state.units_nano)
        if state.units_nano
        else None,
        fees_micro=state.lp_fees_micro + claimed,
        providers=providers,
    )


def health_of(row: PoolView) -> variable.Health:
    """Return coverage, reserve ratio and the use of the caps now."""
    return variable.health(row.view.config, row.view.state, clock.now_s())


def worst_day_e8(market: Market) -> int | None:
    """Return the worst day of the simulation pinned to a market, over its capital."""
    run = simulations.pinned_to(market.pk)
    overview = simulations.overview(run) if run else None
    return overview.worst_day_e8 if overview else None
