"""The core app."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Users, ledger, markets, orders, prices."""

    name = "exchange"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the books' figures to scrapers."""
        from exchange.services import metrics  # noqa: PLC0415 (models must be loaded first)

        metrics.register()
