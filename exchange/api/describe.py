"""A market put into words and figures for programs: from its newest tick, or in full."""

from typing import Any

from exchange import clock, refusals
from exchange.engines import variable
from exchange.fields import parse_price
from exchange.models import LiveState, Market
from exchange.selectors import markets, quotes
from exchange.selectors.markets import MarketView

Json = dict[str, Any]


def summary(market: Market, now_s: int) -> Json:
    """Return a market as it stands in a list, from the tick it last published."""
    live = market.live
    return {
        "slug": market.slug,
        "number": market.pk,
        "name": market.name,
        "ticker": market.ticker,
        "unit": market.unit,
        "question": market.question,
        "topic": market.topic,
        "status": market.status,
        "is_demo": market.is_demo,
        "halted": live.halt_rule or None,
        "reduce_only": live.reduce_only_reason or None,
        "paused": _paused(live, now_s),
        "prices": _published(live.last_tick, now_s) if live.last_tick else None,
    }


def _paused(live: LiveState, now_s: int) -> Json | None:
    if now_s >= live.pause_until_s:
        return None
    return {"rule": live.pause_rule, "since": live.pause_since_s, "until": live.pause_until_s}


def _published(tick: Json, now_s: int) -> Json:
    age_s = max(0, now_s - tick["t"])
    return _prices(
        (parse_price(tick["market"]), age_s),
        (parse_price(tick["fundamental"]), max(0, now_s - tick["oracle_s"])),
        (parse_price(tick["display"]), age_s),
    )


def _prices(*three: tuple[int, int]) -> Json:
    names = ("market_price", "fundamental", "headline")
    return {
        name: {"value": pico, "age_s": age_s}
        for name, (pico, age_s) in zip(names, three, strict=True)
    }


def detail(view: MarketView) -> Json:
    """Return everything about a market."""
    market, live = view.market, view.live
    now_s = clock.now_s()
    age_s = max(0, now_s - view.state.t_s)
    move = next(reversed(markets.oracle_moves(market, 0, limit=1)), None)
    return {
        **summary(market, now_s),
        "prices": _prices(
            (view.market_pico, age_s),
            (view.fundamental_pico, view.oracle_age_s),
            (view.display_pico, age_s),
        ),
        "summary": market.summary,
        "rules": market.rules,
        "mode": view.mode,
        "stopped": _stopped(view, now_s),
        "activated_at": market.activated_at,
        "halted_since": live.halt_since,
        "reduce_only_since": live.reduce_only_since,
        "recalibrates": market.recalibrates,
        "config": market.config,
        "confidence": move.confidence_e8 if move else None,
        "state": _state(view),
        "health": _health(view, now_s),
        "limits": _limits(view),
        "margin": {
            "at_open": view.config.m_open_e8,
            "initial": view.config.im_e8,
            "maintenance": view.config.mm_e8,
            "liquidation_fee": view.config.liq_fee_e8,
        },
    }


def _stopped(view: MarketView, now_s: int) -> list[Json]:
    """Return what is stopped now; only broken books stop everything."""
    live, state, found = view.live, view.state, list[Json]()

    def add(rule: str, stops: str, since: Any, until: Any = None, detail: str = "") -> None:
        row = {"rule": rule, "detail": detail, "stops": stops, "since": since, "until": until}
        found.append(row)

    if live.halt_rule:
        add("halt", "everything", live.halt_since, detail=live.halt_rule)
    if now_s < live.pause_until_s:
        add("pause", "opening", live.pause_since_s, live.pause_until_s, live.pause_rule)
    if live.reduce_only_since:
        add("reduce_only", "opening", live.reduce_only_since, detail=live.reduce_only_reason)
    if state.status == variable.ACTIVE and view.oracle_age_s > view.config.max_stale_s:
        add("oracle_stale", "opening", state.last_oracle_s + view.config.max_stale_s)
    if state.status == variable.WINDING:
        add("winding", "opening", None, state.settle_at_s)
    if state.clamped:
        add("clamped", "deposits", markets.clamped_since(view.market))
    return found


def _state(view: MarketView) -> Json:
    state = view.state
    return {
        "seq": view.live.batch_seq,
        "as_of": view.as_of,
        "supply": state.supply_nano,
        "long": state.long_nano,
        "short": state.short_nano,
        "pool": state.pool_micro,
        "equity": state.equity_micro,
        "free_capital": state.free_capital_micro,
        "funding": state.funding_micro,
        "lp_fees": state.lp_fees_micro,
        "insurance": state.insurance_micro,
        "treasury": state.treasury_micro,
        "units": state.units_nano,
        "target": state.target_pico,
        "close_out": state.close_out_pico,
        "day_volume": view.day_volume_micro,
        "day_change": view.day_change_e8,
        "funding_deadline": state.deadline_s,
        "settle_at": state.settle_at_s or None,
    }


def _health(view: MarketView, now_s: int) -> Json:
    health = variable.health(view.config, view.state, now_s)
    return {
        "coverage": health.coverage_e8,
        "reserve_ratio": health.reserve_e8,
        "interest_used": health.interest_used_e8,
        "capital_used": health.capital_used_e8,
        "short_interest_used": health.short_interest_used_e8,
        "short_capital_used": health.short_capital_used_e8,
        "oracle_age_s": health.oracle_age_s,
        "clamped": health.clamped,
    }


def _limits(view: MarketView) -> Json:
    config = view.config
    return {
        "fee": config.fee_e8,
        "fee_max": config.fee_max_e8,
        "min_open": config.min_open_micro,
        "impact_max": config.impact_cap_e8,
        "band": config.band_e8,
        "largest_buy": _largest(view, "buy", {"amount_micro": quotes.VISITOR_CASH_MICRO}),
        "largest_short": _largest(view, "sell", {"shares_nano": _beyond(view)}),
    }


def _beyond(view: MarketView) -> int:
    """Return more shares than can pass: they would take the price down to nothing."""
    state = view.state
    return state.price_exact // state.k_atto if state.k_atto else quotes.VISITOR_CASH_MICRO * 1000


def _largest(view: MarketView, kind: str, payload: Json) -> Json:
    """Ask for far more than can pass: the refusal names the rule and the most that would."""
    code, fields = "", dict[str, Any]()
    if view.live.halt_rule:
        code, fields = "market_halted", {"rule": view.live.halt_rule}
    else:
        refused = quotes.quote(None, view.market, quotes.build(kind, payload, 0)).refused
        if refused:
            code, fields = refused.code, refused.fields
    return {
        "rule": code,
        "message": refusals.sentence(code, fields) if code else "",
        "amount_max": fields.get("amount_max_micro", 0),
        "shares_max": fields.get("shares_max_nano", 0),
    }
