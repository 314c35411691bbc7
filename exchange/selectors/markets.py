"""What people read about markets: summaries for the grid, the strip, recent trades, events."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from exchange import clock
from exchange.engines import variable
from exchange.models import Candle, Fill, LiveState, Market, MarketEvent, OracleMove, Tick
from exchange.selectors.configs import config_of

DAY_S = 86_400
SPARK_POINTS = 48
HEARTBEAT_GRACE_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """One market as the grid and the strip show it. Prices in pico-USDC, money in micro-USDC."""

    market: Market
    live: LiveState
    config: variable.Config
    state: variable.MarketState
    market_pico: int
    fundamental_pico: int
    target_pico: int
    display_pico: int
    day_open_pico: int | None
    day_volume_micro: int
    oracle_age_s: int
    coverage_e8: int | None
    as_of: datetime | None
    spark: tuple[int, ...] = ()

    @property
    def day_change_e8(self) -> int | None:
        """Change of the display price over 24 h, in 1e-8 of the price a day ago."""
        if not self.day_open_pico:
            return None
        return (self.display_pico - self.day_open_pico) * 10**8 // self.day_open_pico

    @property
    def mode(self) -> str:
        """The state a page must name: halted, reduce_only, stale_oracle, or the status."""
        if self.live.halt_rule:
            return "halted"
        if self.state.status == Market.Status.ACTIVE:
            if self.live.reduce_only_since:
                return "reduce_only"
            if self.oracle_age_s > self.config.max_stale_s:
                return "stale_oracle"
        return self.state.status

    @property
    def spark_points(self) -> str:
        """Points of an SVG polyline in a box of 100 by 30, or nothing for a flat start."""
        if len(self.spark) < 2:  # noqa: PLR2004
            return ""
        low, high = min(self.spark), max(self.spark)
        span = max(high - low, 1)
        last = len(self.spark) - 1
        return " ".join(
            f"{100 * n // last},{28 - 26 * (value - low) // span}"
            for n, value in enumerate(self.spark)
        )


def views(markets: Sequence[Market] | None = None) -> list[MarketView]:
    """Return every market (or those given) with a day of candles behind it, by name."""
    rows = markets or _all()
    now_s = clock.now_s()
    ids = [row.id for row in rows]
    candles = _day_candles(ids, now_s)
    return [_view(row, candles[row.id], now_s) for row in rows]


def _all() -> list[Market]:
    variable = Market.objects.filter(kind=Market.Kind.VARIABLE)
    return list(variable.select_related("live").order_by("name"))


def view(market: Market) -> MarketView:
    """Return one market as its page shows it."""
    return views([market])[0]


def _day_candles(ids: list[int], now_s: int) -> dict[int, list[tuple[int, int, int, int]]]:
    rows = Candle.objects.filter(
        market_id__in=ids, interval_s=60, bucket_s__gt=now_s - DAY_S
    ).order_by("market_id", "bucket_s")
    found: defaultdict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for market_id, bucket, first, last, volume in rows.values_list(
        "market_id", "bucket_s", "open_pico", "close_pico", "volume_micro"
    ):
        found[market_id].append((bucket, int(first), int(last), volume))
    return found


def _view(market: Market, candles: list[tuple[int, int, int, int]], now_s: int) -> MarketView:
    live = market.live
    config = config_of(market.config)
    state = variable.MarketState.from_mapping(live.state)
    volume_micro = sum(micro for _, micro in state.window)
    shown, _ = variable.display(config, state.price_exact, state.f_pico, volume_micro)
    health = variable.health(config, state, now_s)
    step = max(1, len(candles) // SPARK_POINTS)
    return MarketView(
        market=market,
        live=live,
        config=config,
        state=state,
        market_pico=state.market_pico,
        fundamental_pico=state.f_pico,
        target_pico=state.target_pico,
        display_pico=shown,
        day_open_pico=candles[0][1] if candles else None,
        day_volume_micro=sum(c[3] for c in candles),
        oracle_age_s=max(0, now_s - state.last_oracle_s) if state.last_oracle_s else 0,
        coverage_e8=health.coverage_e8,
        as_of=live.settled_at,
        spark=(*(c[2] for c in candles[::step]), shown),
    )


def recent_trades(market: Market, limit: int = 30) -> list[Fill]:
    """Return the newest fills, with the names that may be shown."""
    rows = Fill.objects.filter(market=market).select_related("user")
    return list(rows.order_by("-command_seq", "-leg_no")[:limit])


def recent_events(market: Market, limit: int = 20) -> list[MarketEvent]:
    """Return the rules that fired and the steps of the lifecycle, newest first."""
    return list(MarketEvent.objects.filter(market=market).order_by("-id")[:limit])


def oracle_moves(market: Market, since_s: int, limit: int = 500) -> list[OracleMove]:
    """Return the events since then that moved a price, oldest first: the chart's markers."""
    rows = OracleMove.objects.filter(market=market, at__gte=clock.at(since_s))
    moved = rows.exclude(applied_pico=0, fundamental_pico=F("fundamental_before_pico"))
    return list(moved.order_by("-id")[:limit])[::-1]


def clamped_since(market: Market) -> datetime | None:
    """Return when the curve first owed the shift that it still owes, as far as ticks are kept."""
    ticks = Tick.objects.filter(market=market)
    free = ticks.filter(clamped=False).order_by("-seq").values_list("seq", flat=True).first()
    owing = ticks.filter(clamped=True, seq__gt=free or 0).order_by("seq")
    return owing.values_list("at", flat=True).first()


def newest_tick(market: Market) -> Tick | None:
    """Return the last tick with the parts of its move."""
    return Tick.objects.filter(market=market).order_by("-at", "-seq").first()
