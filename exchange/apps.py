"""The core as a Django application."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Users, ledger, markets, orders, prices and events."""

    name = "exchange"
