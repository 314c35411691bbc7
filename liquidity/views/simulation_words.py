"""A simulation in words: what was assumed, who takes part, what a refusal's code means."""

from collections.abc import Mapping

from exchange import figures
from exchange.engines.units import PICO, RATE
from exchange.engines.variable import Config
from liquidity.core.simulation import Scenario

PARTS = (
    ("fees_micro", "Fees"),
    ("surcharges_micro", "Surcharges"),
    ("inventory_micro", "Inventory"),
    ("oracle_micro", "Oracle"),
    ("bad_debt_micro", "Bad debt"),
    ("rounding_micro", "Rounding"),
)
PEOPLE = (
    ("crowd", "The crowd"),
    ("informed", "Those who know better"),
    ("whale", "The whale"),
    ("sniper", "The sniper of late news"),
)
CODES = {
    "band": "beyond the band around the oracle view",
    "impact_cap": "one order would move the price too far",
    "oi_cap_long": "the market is at its cap for open positions",
    "oi_cap_short": "the market is at its cap for open shorts",
    "capital_long": "the pool cannot back a larger position",
    "capital_short": "the pool cannot fund a larger short",
    "capital_long_cover": "it would take what backs the open positions",
    "price_floor": "the price would fall too near to nothing",
    "curve_depth": "the whole curve pays less",
    "oracle_stale": "the oracle was not heard for too long",
    "no_quorum": "too few usable reports for an oracle event",
    "account_cap": "one account may hold only part of a market",
    "insufficient_funds": "the money was used up",
    "too_small": "below the smallest order",
    "closed_only": "opening was paused",
}


def meaning(code: str) -> str:
    """Return what a refusal's code means in a few words."""
    return CODES.get(code, code.replace("_", " "))


def counted(refusals: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Return code, meaning and count, the most frequent first."""
    rows = sorted(refusals.items(), key=lambda row: (-row[1], row[0]))
    return [(code, meaning(code), count) for code, count in rows]


def assumptions(scenario: Scenario, config: Config) -> list[tuple[str, str]]:
    """Return a heading and a sentence for each thing that the run took for granted."""
    said = [
        ("Time and money", _length(scenario, config)),
        ("The variable", _news(scenario)),
        ("The crowd", _crowd(scenario)),
        ("Those who know better", _informed(scenario)),
        ("The whale", _whale(scenario)),
        ("The sniper of late news", _sniper(scenario)),
        ("The oracle's sources", _sources(scenario, config)),
        ("A lying source", _lie(scenario)),
        ("A dead source", _dead(scenario)),
    ]
    whole = "Everything runs on the engine that trades; only people, news and sources are invented."
    return [*said, ("The market", whole)]


def _length(scenario: Scenario, config: Config) -> str:
    capital = figures.usdc(scenario.capital_micro(config))
    price = figures.trimmed(config.p0_init_pico, PICO, 2, 12)
    return (
        f"{_times(scenario.paths, 'path')} of {_times(scenario.days, 'day')}, from the seed"
        f" {scenario.seed}; the providers put in {capital} USDC and leave it there; the price"
        f" starts at {price}."
    )


def _news(scenario: Scenario) -> str:
    drift = (
        f", with a drift of {figures.percent_signed(scenario.drift_e8)} a day"
        if scenario.drift_e8
        else ""
    )
    jumps = figures.trimmed(scenario.jumps_e8, RATE, 0, 4)
    return (
        f"It wanders by {figures.rate(scenario.volatility_e8)} a day{drift}, and jumps {jumps}"
        f" times a day by about {figures.rate(scenario.jump_e8)}. Nobody in the market can move it."
    )


def _crowd(scenario: Scenario) -> str:
    return (
        f"{_times(scenario.crowd, 'trader')} send about {scenario.orders} orders a day of about"
        f" {figures.usdc(scenario.order_micro)} USDC, in either direction by chance;"
        f" {figures.rate(scenario.shorts_e8)} of what they open is short. They never run out of"
        " money."
    )


def _informed(scenario: Scenario) -> str:
    if not scenario.informed_e8:
        return "Nobody knows better."
    return (
        f"{figures.rate(scenario.informed_e8)} of all orders come from people who know the variable"
        f" as it was {figures.age(scenario.informed_delay_s)} ago, and trade"
        f" {figures.usdc(scenario.informed_micro)} USDC towards it."
    )


def _whale(scenario: Scenario) -> str:
    if not scenario.whale_micro:
        return "There is none."
    return (
        f"One holder buys for {figures.usdc(scenario.whale_micro)} USDC and sells all of it at"
        f" once on day {scenario.whale_day}."
    )


def _sniper(scenario: Scenario) -> str:
    if not scenario.sniper_micro:
        return "There is none."
    return (
        "Somebody who knows the next oracle view trades a second before it, with"
        f" {figures.usdc(scenario.sniper_micro)} USDC."
    )


def _sources(scenario: Scenario, config: Config) -> str:
    return (
        f"{_times(scenario.sources, 'source')}, of which the oracle needs {config.quorum}, report"
        f" every {figures.age(config.interval_s)} what was true"
        f" {figures.age(scenario.source_delay_s)} ago, each with an error of about"
        f" {figures.rate(scenario.source_noise_e8)} and a stated confidence of"
        f" {figures.rate(scenario.confidence_e8)}."
    )


def _lie(scenario: Scenario) -> str:
    if not (scenario.liars and scenario.lie_days):
        return "None lies."
    return (
        f"From day {scenario.lie_day} on, {_times(scenario.liars, 'source')} of"
        f" {scenario.sources} reported a change of {figures.percent_signed(scenario.lie_e8)} in"
        f" every round, for {_times(scenario.lie_days, 'day')}."
    )


def _dead(scenario: Scenario) -> str:
    if not (scenario.dead and scenario.dead_days):
        return "None falls silent."
    return (
        f"From day {scenario.dead_day} on, {_times(scenario.dead, 'source')} of"
        f" {scenario.sources} said nothing for {_times(scenario.dead_days, 'day')}."
    )


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
