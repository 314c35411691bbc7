"""What may leave when: the engine's own limits, asked for the most that passes."""

from typing import Any

import pytest

from exchange.engines import variable
from exchange.engines.variable import Buy, Config, Contribute, MarketState, Trader, Withdrawal
from liquidity.core import exits
from liquidity.core.exits import DAY_S

NOW = 20_000 * DAY_S
DAYS = (1, 7, 30, 90, 180)


def config(**changes: Any) -> Config:
    return Config.parse({"soft_cap": "1000", "hard_cap": "5000", **changes})


def active(chosen: Config, pool: int = 1000) -> tuple[MarketState, variable.Provider]:
    state = MarketState.opened(chosen, NOW)
    rich = {7: Trader(id=7, cash_micro=pool * 10**6)}
    command = Contribute(seq=1, trader=7, amount_micro=pool * 10**6)
    done = variable.apply(chosen, state, rich, {}, (command,), NOW)
    return done.state, done.providers[7]


def test_a_contribution_leaves_as_it_vests() -> None:
    chosen = config()

    found = exits.contributed(chosen, MarketState.opened(chosen, NOW), 100 * 10**6, NOW, DAYS)

    assert found.units_nano == 100 * 10**9
    assert not found.activates
    assert found.share_e8 == 10**7
    assert [row.vested_nano // 10**9 for row in found.later] == [0, 25, 50, 75, 100]
    assert [row.worth_micro for row in found.later] == [
        0,
        25 * 10**6,
        50 * 10**6,
        75 * 10**6,
        10**8,
    ]
    # a quarter of what has vested, at once on that day
    assert [row.at_once.units_nano for row in found.later] == [
        0, 6_250_000_000, 12_500_000_000, 18_750_000_000, 25_000_000_000,
    ]  # fmt: skip


def test_the_days_cap_binds_a_large_contribution() -> None:
    chosen = config()

    found = exits.contributed(chosen, MarketState.opened(chosen, NOW), 10**9, NOW, DAYS)

    assert found.activates
    assert found.later[-1].at_once.amount_micro == 10**8
    assert found.later[-1].at_once.rule == "daily_cap"


@pytest.mark.parametrize("missing", [1, 9_999_999])
def test_a_goal_that_lacks_less_than_anybody_may_bring(missing: int) -> None:
    chosen = config(hard_cap="1000")
    state = MarketState.opened(chosen, NOW)

    found = exits.contributed(chosen, state, 10**9 - missing, NOW, DAYS)

    assert found.later[-1].vested_nano == (10**9 - missing) * 1000


def test_a_refusal_is_handed_on() -> None:
    chosen = config()

    found = exits.contributed(chosen, MarketState.opened(chosen, NOW), 10**6, NOW, DAYS)

    assert found.refused is not None
    assert found.refused.code == "min_contribution"


def test_what_backs_positions_stays() -> None:
    chosen = config(kappa_keep="1", band=None, impact_cap="0.2", im="1", mm="0.5")
    state, provider = active(chosen)
    buyer = {9: Trader(id=9, cash_micro=10**10)}
    for n in range(12):
        command = Buy(seq=n, trader=9, amount_micro=60 * 10**6)
        done = variable.apply(chosen, state, buyer, {}, (command,), NOW + n)
        state, buyer = done.state, {**buyer, **done.traders}
    at = NOW + 200 * DAY_S

    found = exits.at_once(chosen, state, provider, at)
    _, free = exits.rooms(chosen, state, at)

    assert found.amount_micro <= free
    refused = exits.withdrawn(
        chosen, state, provider, units_nano=found.units_nano + 10_000, now_s=at
    )
    assert isinstance(refused, variable.Rejected)


def test_the_most_is_the_most() -> None:
    chosen = config()
    state, provider = active(chosen)
    at = NOW + 40 * DAY_S

    found = exits.at_once(chosen, state, provider, at)

    assert (found.amount_micro, found.rule) == (10**8, "daily_cap")
    above = exits.withdrawn(chosen, state, provider, units_nano=found.units_nano + 1000, now_s=at)
    assert isinstance(above, variable.Rejected)
    assert above.code == "daily_cap"


def test_nothing_leaves_at_once_past_a_queue() -> None:
    chosen = config()
    state, provider = active(chosen)
    queue = [Withdrawal(id=1, trader=8, units_nano=1, placed_s=NOW)]

    found = exits.at_once(chosen, state, provider, NOW + 40 * DAY_S, queue)

    assert (found.units_nano, found.rule) == (0, "queue_first")
