"""The chain as a Django application."""

from django.apps import AppConfig


class ChainConfig(AppConfig):
    """Deposits, withdrawals and the proof of reserves."""

    name = "chain"
