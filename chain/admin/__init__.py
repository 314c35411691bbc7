"""The chain's tables for staff; each file registers its own."""

from chain.admin import deposits, networks, withdrawals

__all__ = ["deposits", "networks", "withdrawals"]
