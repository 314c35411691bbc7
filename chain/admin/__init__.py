"""The chain's tables for staff; each file registers its own."""

from chain.admin import deposits, networks, sweeps, withdrawals

__all__ = ["deposits", "networks", "sweeps", "withdrawals"]
