"""The staff's view of the providers' side: everything to look at, nothing to change."""

from liquidity.admin import simulations  # noqa: F401 (registers its tables)
