"""The launch simulator: repeatable, exact in its sums, and right about who wins and loses what."""

import json
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.engines.units import MICRO, RATE
from exchange.engines.variable import Config, MemoryFrontier, Trader
from liquidity.core import simulation
from liquidity.core.simulation import PathReport, Report, Scenario, ScenarioError
from liquidity.core.simulation import venue as venue_module
from liquidity.core.simulation.chance import Chance
from liquidity.core.simulation.report import quantiles
from liquidity.core.simulation.shorts import Shorts

CALM = {"orders": "0", "whale": "0", "sniper": "0", "liars": "0", "dead": "0"}
STILL = {"volatility": "0", "jumps": "0", "source_noise": "0"}
LIARS = {"liars": "3", "lie_day": "1", "lie_days": "1"}
DEAD = {"dead": "3", "dead_day": "1", "dead_days": "1"}
DAYS = {"days": "4", "whale_day": "3", "lie_day": "1", "dead_day": "2"}


def path(number: int = 0, parameters: Any = None, /, **scenario: str) -> PathReport:
    parsed = Scenario.parse({**DAYS, **scenario})
    return ended(simulation.simulate(Config.parse(parameters or {}), parsed, number))


def ended(generator: Generator[int, None, PathReport]) -> PathReport:
    """Return what a generator returns, past all it yields."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            report: PathReport = end.value
            return report


def check_exact(report: PathReport) -> None:
    """Assert what must hold of every path, whatever happened in it."""
    assert report.breaches == 0, report.first_breach
    assert report.parts.total_micro == report.profit_micro
    assert report.profit_micro == report.days_micro[-1] - report.capital_micro
    # Each fill leaves less than a micro and the price of one quantum, each shift of E half a micro.
    dearest = max(report.hours.market_pico) * 2 // 10**15 + 2
    assert -2 <= report.parts.rounding_micro <= report.fills * dearest + 2
    before = (report.capital_micro, *report.days_micro)
    changes = [after - was for was, after in zip(before, report.days_micro, strict=False)]
    assert report.worst_day_micro == min(changes) == changes[report.worst_day - 1]


def test_the_same_seed_gives_the_same_report() -> None:
    assert path(3) == path(3)


def test_paths_and_seeds_differ() -> None:
    first = path(0).hours.value_pico

    assert first != path(1).hours.value_pico
    assert first != path(0, seed="2").hours.value_pico


def test_a_report_survives_json() -> None:
    report = path(whale="100")

    assert PathReport.from_mapping(json.loads(json.dumps(report.to_mapping()))) == report


def test_the_stream_is_splitmix64() -> None:
    chance = Chance()

    # The first words of the published generator from the state 0.
    assert [chance.word() for _ in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


def test_chance_is_fair() -> None:
    chance = Chance(7)
    normals = [chance.normal_e8() / RATE for _ in range(20_000)]

    assert abs(sum(normals) / 20_000) < 0.03
    assert abs(sum(n * n for n in normals) / 20_000 - 1) < 0.03
    assert 1800 < sum(chance.happens(RATE // 10) for _ in range(20_000)) < 2200


@pytest.mark.parametrize("number", range(3))
def test_the_parts_sum_to_the_result(number: int) -> None:
    report = path(number, jumps="3", orders="400")

    check_exact(report)
    assert report.parts.fees_micro > 0
    assert report.parts.inventory_micro != 0 != report.parts.oracle_micro


def test_money_is_neither_made_nor_lost() -> None:
    report = path(0, orders="400")

    total = sum(report.people_micro.values()) + report.profit_micro
    total += report.treasury_micro + report.insurance_micro
    # Traders' results are after the fee of closing, and positions in one direction are worth less
    # together than one by one: what is missing is the providers' at worst.
    assert -report.capital_micro // 20 < total <= 0


def test_money_is_conserved_to_the_micro_when_all_is_closed() -> None:
    report = path(0, **{**CALM, "whale": "400"})

    total = sum(report.people_micro.values()) + report.profit_micro
    assert -1 <= total + report.treasury_micro + report.insurance_micro <= 0


def test_nothing_happens_where_nobody_comes() -> None:
    report = path(0, **CALM)

    assert (report.profit_micro, report.fills, report.refusals) == (0, 0, {})
    assert set(report.days_micro) == {2500 * MICRO}
    assert set(report.hours.coverage_e8) == {None}


def test_there_is_a_row_for_each_hour_and_a_figure_for_each_day() -> None:
    report = path(0, days="2")

    assert len(report.hours.market_pico) == 2 * 24 + 1
    assert len(report.days_micro) == 2


def test_the_crowd_pays_the_providers() -> None:
    report = path(0, **STILL, informed="0", sniper="0", whale="0")

    assert report.people_micro["crowd"] < 0 < report.parts.fees_micro
    assert report.parts.oracle_micro == 0


def test_the_market_follows_the_value() -> None:
    hours = path(0, days="20", **CALM).hours
    away = [abs(m - v) * 100 // v for m, v in zip(hours.market_pico, hours.value_pico, strict=True)]

    assert sorted(away)[len(away) * 9 // 10] <= 3


def test_a_leaving_whale_moves_the_price_by_its_size_times_the_slope() -> None:
    report = path(0, **{**CALM, **STILL, "whale": "400"})
    sold = report.whale_exit

    assert sold is not None
    slope_atto = 10**16  # 0.25 * 10 * 10 / 2500
    fall = sold.before_pico - sold.after_pico
    assert abs(fall - slope_atto * sold.shares_nano // 10**15) <= 1
    assert fall * 100 // sold.before_pico == 3
    # It bought in small lots at the usual price, so the fall and the fees are its own loss.
    assert report.people_micro["whale"] < -400 * MICRO // 100
    assert path(0, **{**CALM, **STILL}).whale_exit is None


def test_a_whale_changes_nobody_elses_news() -> None:
    assert path(0, whale="0").hours.value_pico == path(0, whale="500").hours.value_pico


def test_a_sniper_earns_what_the_band_lets_through_and_the_providers_pay() -> None:
    quiet = {**CALM, "volatility": "0", "source_noise": "0", "days": "20"}
    alone, hunted = path(0, **quiet), path(0, **quiet | {"sniper": "1000"})

    won = hunted.people_micro["sniper"]
    assert won > 0 == alone.profit_micro
    assert hunted.parts.oracle_micro < 0
    assert hunted.profit_micro < 0
    # (band * F * n - (band * F)^2 / 2) / k for each piece of news, n at most 0.075 * F; F^2/k is
    # the pool over the depth, 10,000 USDC.
    snipes = hunted.fills // 2
    most = (RATE // 100 * 75 // 1000 - RATE // 20_000) * 10_000 * MICRO // RATE
    drifted = max(hunted.hours.value_pico) ** 2 // 10**24
    assert won <= snipes * most * max(drifted, 100) // 100


def test_a_wider_band_lets_the_sniper_take_more() -> None:
    quiet = {**CALM, "volatility": "0", "source_noise": "0", "days": "20", "sniper": "1000"}
    results = [path(0, {"band": band}, **quiet).people_micro for band in ("0.005", "0.02")]

    assert results[0]["sniper"] < results[1]["sniper"]


def test_those_who_know_win_from_the_providers() -> None:
    report = path(0, **CALM | {"orders": "300", "informed": "1", "days": "20"}, jumps="2")

    assert report.people_micro["informed"] > 0 > report.parts.oracle_micro


def test_a_single_liar_moves_nothing_and_a_majority_no_more_than_a_day_allows() -> None:
    honest, one, three = (
        path(0, **{**CALM, **STILL, **LIARS, "liars": liars}) for liars in ("0", "1", "3")
    )

    start = honest.hours.fundamental_pico[0]
    assert set(one.hours.fundamental_pico) == set(honest.hours.fundamental_pico) == {start}
    assert max(three.hours.fundamental_pico) == start * 12 // 10
    assert three.hours.fundamental_pico[-1] * 100 // start <= 100


def test_lies_about_falls_work_downward() -> None:
    report = path(0, **{**CALM, **STILL, **LIARS, "lie": "-0.3"})

    assert min(report.hours.fundamental_pico) == report.hours.fundamental_pico[0] * 8 // 10


def test_without_a_quorum_opens_stop_and_closes_go_on() -> None:
    alive, dead = path(0, dead="0"), path(0, **DEAD)

    assert dead.refusals["no_quorum"] == 144
    assert dead.refusals["oracle_stale"] > 0
    assert not {"no_quorum", "oracle_stale"} & set(alive.refusals)
    hours = dead.hours
    assert len(set(hours.fundamental_pico[25:48])) == 1
    assert len(set(hours.market_pico[25:48])) > 1


def test_one_dead_source_of_five_is_not_missed() -> None:
    assert "no_quorum" not in path(0, **DEAD | {"dead": "1"}).refusals


def test_a_larger_order_slips_further_until_it_is_refused() -> None:
    report = path(0, {"band": None}, **{**CALM, **STILL})
    bought = [row for row in report.slippage if row.side == "bought"]
    sold = [row for row in report.slippage if row.side == "sold"]

    assert [row.size_micro // MICRO for row in bought] == [10, 50, 100, 500, 1000, 5000]
    for rows in (bought, sold):
        passed = [row for row in rows if row.samples]
        assert [row.samples for row in passed] == [4] * len(passed) != []
        worst = [row.slippage_worst_e8 for row in passed]
        assert worst == sorted(worst)
        assert all(row.cost_worst_e8 >= row.slippage_worst_e8 + RATE // 250 for row in passed)
        assert all(sum(row.refused.values()) + row.samples == 4 for row in rows)
    # k*q/2 for the shares of 99.5 USDC, relative to the price.
    assert 480_000 < bought[2].slippage_worst_e8 < 500_000
    assert bought[-1].refused == {"impact_cap": 4}


def test_shorts_that_run_into_a_rise_are_liquidated() -> None:
    report = path(
        0, {"day_max": "1"}, days="6", shorts="1", informed="0", drift="1", liars="0", orders="300",
        sniper="0", whale="0",
    )  # fmt: skip

    assert report.liquidations > 0
    check_exact(report)
    assert report.parts.bad_debt_micro == 0


def test_a_frontier_of_all_comes_to_the_same_report(monkeypatch: pytest.MonkeyPatch) -> None:
    class Everybody(MemoryFrontier):
        def take(self, trader: Trader) -> None:  # type: ignore[override]
            super().take([trader], (), ())

    lean = path(0, orders="400", shorts="0.5", drift="0.1")
    monkeypatch.setattr(venue_module, "Shorts", Everybody)

    assert path(0, orders="400", shorts="0.5", drift="0.1") == lean


def test_shorts_are_kept_in_order() -> None:
    shorts = Shorts()
    for key, escrow in ((1, 30), (2, 10), (3, 20)):
        shorts.take(Trader(id=key, shares_nano=-10, escrow_micro=escrow, position_id=key))
    shorts.take(Trader(id=3, shares_nano=10))

    entries = shorts.read("shorts", None, 64)
    assert [row.id for _, row in entries] == [2, 1]
    assert [row.id for _, row in shorts.read("shorts", entries[0][0], 64)] == [1]
    assert (shorts.trader(1) is not None, shorts.trader(3), shorts.trader(9)) == (True, None, None)


def run(**scenario: str) -> tuple[list[int], Report]:
    generator = simulation.run(Config.parse({}), Scenario.parse(scenario))
    progress = []
    while True:
        try:
            progress.append(next(generator))
        except StopIteration as end:
            return progress, end.value


def test_a_run_tells_its_progress_and_sums_its_paths() -> None:
    scenario = {**DAYS, "days": "2", "paths": "4"}
    progress, report = run(**scenario)
    paths = [path(number, **scenario) for number in range(4)]

    assert progress == [RATE * n // 8 for n in range(1, 9)]
    assert report == simulation.summarise(paths)
    assert report.profits_micro == tuple(p.profit_micro for p in paths)
    assert report.worst_day.change_micro == min(p.worst_day_micro for p in paths)
    assert report.fills == sum(p.fills for p in paths)
    assert report.slippage[0].samples == 8
    assert [parts.total_micro for parts in report.parts] == list(report.profits_micro)
    assert json.loads(json.dumps(report.to_mapping()))["breaches"] == 0


def test_quantiles_are_figures_that_occurred() -> None:
    assert quantiles(range(100, 0, -1)) == (5, 25, 50, 75, 95)
    assert quantiles([7]) == (7, 7, 7, 7, 7)


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"weather": "1"}, "unknown", "weather"),
        ({"days": "1.5"}, "malformed", "days"),
        ({"days": "-1"}, "malformed", "days"),
        ({"days": True}, "malformed", "days"),
        ({"days": "0"}, "range", "days"),
        ({"days": "366"}, "range", "days"),
        ({"drift": "--1"}, "malformed", "drift"),
        ({"drift": "-1.1"}, "range", "drift"),
    ],
)
def test_refuses_what_is_no_scenario(values: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        Scenario.parse(values)

    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("parameters", "values", "field"),
    [
        ({"quorum": "6"}, {}, "sources"),
        ({}, {"pool": "2499"}, "pool"),
        ({}, {"pool": "25001"}, "pool"),
        ({"interval": "120"}, {"days": "365"}, "days"),
        ({}, {"days": "365", "orders": "2000"}, "days"),
    ],
)
def test_refuses_a_scenario_that_does_not_fit(
    parameters: dict[str, str], values: dict[str, str], field: str
) -> None:
    with pytest.raises(ScenarioError) as refused:
        Scenario.parse(values).require_for(Config.parse(parameters))

    assert refused.value.field == field


def test_a_scenario_is_written_as_it_is_read() -> None:
    scenario = Scenario.parse({"drift": "-0.02", "seed": "9", "whale": "12.5"})

    assert Scenario.parse(scenario.to_mapping()) == scenario
    assert (scenario.drift_e8, scenario.whale_micro) == (-2_000_000, 12_500_000)
    assert set(asdict(scenario)) == {setting.field for setting in simulation.SETTINGS}


PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "depth": st.sampled_from(["0.05", "0.25", "1", "4"]),
        "P0_init": st.sampled_from(["0.05", "1", "10", "25000"]),
        "fee": st.sampled_from(["0.003", "0.02"]),
        "beta": st.sampled_from(["0", "0.2", "1"]),
        "half_life": st.sampled_from(["0", "600", "7200"]),
        "band": st.sampled_from([None, "0.005", "0.05"]),
        "interval": st.sampled_from(["600", "700", "1800"]),
        "quorum": st.sampled_from(["1", "3"]),
        "kappa_open": st.sampled_from(["0.5", "1", "2"]),
        "day_max": st.sampled_from(["0.05", "1"]),
        "theta": st.sampled_from(["0.1", "0.9"]),
        "conf_shrink": st.booleans(),
    },
)
WORLDS = st.fixed_dictionaries(
    {"days": st.just("3"), "seed": st.integers(0, 2**63 - 1).map(str)},
    optional={
        "volatility": st.sampled_from(["0", "0.03", "0.3"]),
        "drift": st.sampled_from(["-0.5", "0.02", "0.5"]),
        "jumps": st.sampled_from(["0", "1", "12"]),
        "orders": st.sampled_from(["0", "50", "400"]),
        "order_size": st.sampled_from(["1", "25", "500"]),
        "shorts": st.sampled_from(["0", "0.5", "1"]),
        "informed": st.sampled_from(["0", "0.5"]),
        "whale": st.sampled_from(["0", "300", "5000"]),
        "sniper": st.sampled_from(["0", "1000", "100000"]),
        "liars": st.sampled_from(["0", "1", "5"]),
        "dead": st.sampled_from(["0", "3", "5"]),
        "lie": st.sampled_from(["-0.3", "0.3", "1"]),
        "pool": st.sampled_from(["0", "25000"]),
    },
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parameters=PARAMETERS, world=WORLDS)
def test_sums_are_exact_and_promises_hold_in_any_world(
    parameters: dict[str, Any], world: dict[str, str]
) -> None:
    report = path(0, parameters, **world, whale_day="2")

    check_exact(report)
    assert min(report.hours.free_micro) >= 0
    assert all(row.samples + sum(row.refused.values()) == 3 for row in report.slippage)
