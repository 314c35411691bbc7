"""The tables of the oracle, one file per concept."""

from oracle.models.approvals import Activation, Backtest
from oracle.models.calibrations import Calibration
from oracle.models.cards import Card, CardRow
from oracle.models.evidence import Cluster, Evidence, Sighting, SpentEvidence
from oracle.models.forecasts import Forecast, Forecaster, UsedForecast
from oracle.models.labels import HumanLabel
from oracle.models.runs import OPEN, Report, Run
from oracle.models.sources import CachedAnswer, CostEntry, Observation, Source
from oracle.models.specs import OracleSpec, Schedule

__all__ = [
    "OPEN",
    "Activation",
    "Backtest",
    "CachedAnswer",
    "Calibration",
    "Card",
    "CardRow",
    "Cluster",
    "CostEntry",
    "Evidence",
    "Forecast",
    "Forecaster",
    "HumanLabel",
    "Observation",
    "OracleSpec",
    "Report",
    "Run",
    "Schedule",
    "Sighting",
    "Source",
    "SpentEvidence",
    "UsedForecast",
]
