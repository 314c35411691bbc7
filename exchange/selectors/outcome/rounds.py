"""Which elimination comes next, and whether the host has to say of whom."""

from exchange.engines import outcome
from exchange.engines.outcome import Round


def next_round(config: outcome.Config, state: outcome.MarketState) -> Round | None:
    """Return the scheduled elimination that comes next, or that is overdue."""
    if not config.mr_enabled:
        return None
    return next((r for r in config.rounds if r.at_ms > state.era_start_ms), None)


def pending_choice(config: outcome.Config, state: outcome.MarketState, now_ms: int) -> bool:
    """Return whether an elimination is due whose outcomes the host has to name."""
    coming = next_round(config, state)
    return coming is not None and not coming.outcomes and now_ms >= coming.at_ms
