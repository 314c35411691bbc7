"""The tables of the providers' side, one file per concept."""

from liquidity.models.requests import MarketRequest
from liquidity.models.simulations import OPEN, SimulationPath, SimulationRun

__all__ = ["OPEN", "MarketRequest", "SimulationPath", "SimulationRun"]
