"""The launch simulator: the names that the rest of the product may use."""

from liquidity.core.simulation.outcome import Hours, Parts, PathReport, Slippage, WhaleExit
from liquidity.core.simulation.path import simulate
from liquidity.core.simulation.report import (
    PERCENTS,
    Report,
    WorstDay,
    mean_e8,
    share_e8,
    summarise,
)
from liquidity.core.simulation.run import progress_e8, run
from liquidity.core.simulation.scenario import SETTINGS, Scenario, ScenarioError, Setting

__all__ = [
    "PERCENTS",
    "SETTINGS",
    "Hours",
    "Parts",
    "PathReport",
    "Report",
    "Scenario",
    "ScenarioError",
    "Setting",
    "Slippage",
    "WhaleExit",
    "WorstDay",
    "mean_e8",
    "progress_e8",
    "run",
    "share_e8",
    "simulate",
    "summarise",
]
