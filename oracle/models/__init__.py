"""The tables of the oracle, one file per concept."""

from oracle.models.cards import Card, CardRow
from oracle.models.evidence import Cluster, Evidence, Sighting, SpentEvidence
from oracle.models.runs import OPEN, Report, Run
from oracle.models.sources import CachedAnswer, CostEntry, Observation, Source
from oracle.models.specs import OracleSpec, Schedule

__all__ = [
    "OPEN",
    "CachedAnswer",
    "Card",
    "CardRow",
    "Cluster",
    "CostEntry",
    "Evidence",
    "Observation",
    "OracleSpec",
    "Report",
    "Run",
    "Schedule",
    "Sighting",
    "Source",
    "SpentEvidence",
]
