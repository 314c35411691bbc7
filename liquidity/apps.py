"""The providers' side as a Django application."""

from django.apps import AppConfig


class LiquidityConfig(AppConfig):
    """Requests, units, vesting and the exit queue."""

    name = "liquidity"
