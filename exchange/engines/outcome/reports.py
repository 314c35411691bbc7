"""What the pages show of a market beyond its state: quotes, depths, the maker's risk and result."""

from dataclasses import dataclass

from exchange.engines.outcome.amm import Amm
from exchange.engines.outcome.book import amm_of
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.scales import FINE, RATE, WEIGHT
from exchange.engines.outcome.schedule import rates
from exchange.engines.outcome.state import SETTLED, MarketState
from exchange.engines.rounding import div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReport:
    """One active outcome: published price, ask and bid of YES and NO, and its pool.

    `cash_fine` (V), `depth_fine` (L) and `subsidy_fine` count 1e-12 USDC; `supply_micro` is issued
    and launch supply, `virtual_yes_micro` what eliminations have added.
    """

    outcome: int
    price_pico: tuple[int, int]
    ask_pico: tuple[int, int]
    bid_pico: tuple[int, int]
    cash_fine: int
    depth_fine: int
    subsidy_fine: int
    supply_micro: tuple[int, int]
    virtual_yes_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A market at one instant; the maker's risk rounds up, the running profit down."""

    outcomes: tuple[OutcomeReport, ...]
    common_depth_fine: int
    risk_micro: int
    subsidy_fine: int
    profit_micro: int


def report(config: Config, state: MarketState, now_ms: int) -> Report:
    """Return the figures of section 11 at an instant.

    After the resolution the profit is the final result, gas apart.

    Source:  specification, section 11.
    """
    amm = amm_of(config, state)
    amm.set_time(rates(config, state.era_start_ms, max(now_ms, state.t_ms)), state.z_ref_e9)
    rows = tuple(_outcome(config, amm, i) for i in amm.active)
    return Report(
        outcomes=rows,
        common_depth_fine=amm.common_depth,
        risk_micro=max(0, redemption(state) - state.pool_micro + config.z_micro),
        subsidy_fine=sum(row.subsidy_fine for row in rows),
        profit_micro=_profit(config, state),
    )


def redemption(state: MarketState) -> int:
    """Return what the worst winner would take out of the pool."""
    rows = [state.outcomes[i] for i in state.active]
    others = sum(row.no_micro for row in rows)
    return max(row.yes_micro + others - row.no_micro for row in rows)


def backing(config: Config, state: MarketState) -> int:
    """Return F, which neither trades nor eliminations lower, in 1e-21 USDC.

    Source:  specification, section 10.2.
    """
    depth = len(state.active) * config.depth_micro
    potential = amm_of(config, state).potential(state.z_ref_e9)
    return (state.pool_micro - depth) * WEIGHT - potential


def _profit(config: Config, state: MarketState) -> int:
    earned = state.fees_micro + state.seigniorage_micro
    if state.status == SETTLED:
        return earned + state.pool_micro - config.z_micro
    launch = config.z_micro - config.n_outcomes * config.depth_micro
    return earned + div_floor(backing(config, state), WEIGHT) - launch


def _outcome(config: Config, amm: Amm, i: int) -> OutcomeReport:
    here, yes, no = amm.here(i), 2 * i, 2 * i + 1
    depth = config.depth_micro
    launch_yes = div_floor(depth * config.initial_price_e9[i], RATE)
    cash = div_floor((RATE - amm.z) * here.own_cash + amm.z * here.common_cash, RATE)
    return OutcomeReport(
        outcome=i,
        price_pico=(amm.published(yes), amm.published(no)),
        ask_pico=(amm.ask(yes, here), amm.ask(no, here)),
        bid_pico=(amm.bid(yes, here), amm.bid(no, here)),
        cash_fine=cash,
        depth_fine=here.own_depth,
        subsidy_fine=max(0, depth * FINE - div_ceil(config.gamma_e9 * cash, RATE)),
        supply_micro=(here.yes + launch_yes, here.no + depth - launch_yes),
        virtual_yes_micro=amm.virtual[yes] - launch_yes,
    )
