"""Scenarios of liquidation: who pays for the cover of a short, down to the providers."""

from typing import Any, NamedTuple

from exchange.engines.variable import Config, ConfigError
from exchange.engines.variable.results import LIQUIDATION, Fill
from tests.docs.figures import price, shares, table, usdc
from tests.docs.stage import POOL, market, news
from tests.engine.scene import ALICE, BOB, PAT, SHARE, USDC, Scene, filled

# Margins too thin for the moves that these rules let happen; no market can be made like this.
CARELESS: dict[str, Any] = {
    "band": None, "impact_cap": "1", "theta": "0.9", "beta": "1", "step_max": "0.3",
    "day_max": "1", "half_life": "0", "m_open": "0.2", "im": "0.1", "mm": "0.05",
    "kappa_keep": "0", "phi_short": "1",
}  # fmt: skip


class Case(NamedTuple):
    """A liquidation: the market just before the news, just after it, and what it covered."""

    before: Scene
    after: Scene
    fill: Fill


def liquidation() -> str:
    """Four shorts that ran out of margin, from the mildest case to the worst."""
    cases = {
        "a part": _under_defaults(40 * SHARE),
        "all of it": _under_defaults(SHARE // 2),
        "insurance": _careless(10 * SHARE),
        "bad debt": _careless(30 * SHARE),
    }
    columns = [_figures(case) for case in cases.values()]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    return table(("figure", *cases), rows)


def _under_defaults(size: int) -> Case:
    """Let the price rise by its daily bound until the short falls below maintenance."""
    scene = market(day_max="1")
    filled(scene.sell(ALICE, size))
    return _risen(scene, "0.3")


def _risen(scene: Scene, delta: str) -> Case:
    while True:
        before = Scene.of(scene)
        news(scene, delta)
        for fill in scene.last.fills:
            if fill.leg == LIQUIDATION and fill.trader == ALICE:
                return Case(before, scene, fill)


def _careless(size: int) -> Case:
    """Jump over a thin margin, after a liquidation of Bob's has put something into the fund."""
    scene = Scene(unchecked=True, **CARELESS)
    assert not _allowed(scene.config)
    scene.contribute(PAT, POOL * USDC)
    filled(scene.sell(BOB, 200 * SHARE))
    while not scene.state.insurance_micro:
        news(scene, "0.05")
    filled(scene.buy(BOB, shares_nano=-scene.traders[BOB].shares_nano))
    filled(scene.sell(ALICE, size))
    return _risen(scene, "0.3")


def _figures(case: Case) -> dict[str, str]:
    before, after, fill = case
    was, now = before.traders[ALICE], after.traders[ALICE]
    escrow = was.entry_micro - now.entry_micro - fill.realised_micro
    bad_debt = after.last.bad_debt_micro
    insured = fill.value_micro - escrow - bad_debt
    left = was.escrow_micro - escrow - fill.fee_micro - fill.penalty_micro - now.escrow_micro
    assert left == now.cash_micro - was.cash_micro
    return {
        "short before": shares(-was.shares_nano),
        "escrow before": usdc(was.escrow_micro),
        "p_req before the news": price(before.state.close_out_pico),
        "average price of the cover": price(fill.price_pico),
        "covered": shares(fill.shares_nano),
        "cost along the curve": usdc(fill.value_micro),
        "… from the escrow": usdc(escrow),
        "… from the insurance fund": usdc(insured),
        "… from the providers, bad debt": usdc(bad_debt),
        "base fee": usdc(fill.fee_micro),
        "liquidation fee, to the fund": usdc(fill.penalty_micro),
        "back to the trader": usdc(left),
        "short after": shares(-now.shares_nano),
        "escrow after": usdc(now.escrow_micro),
        "insurance fund before": usdc(before.state.insurance_micro),
        "insurance fund after": usdc(after.state.insurance_micro),
    }


def _allowed(config: Config) -> bool:
    try:
        config.check()
    except ConfigError:
        return False
    return True


SCENARIOS = (liquidation,)
