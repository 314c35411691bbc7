"""The staff's view of the providers' side: proposals to decide, simulations to look at."""

from liquidity.admin import requests, simulations  # noqa: F401 (each registers its tables)
