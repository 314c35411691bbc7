"""The chain as a Django application."""

from django.apps import AppConfig


class ChainConfig(AppConfig):
    """Deposits, withdrawals and the proof of reserves."""

    name = "chain"

    def ready(self) -> None:
        """Offer the chain's figures to scrapers, and its rows to the audit."""
        # the services need the models, which need this app
        from chain import checks as _  # noqa: F401, PLC0415 (registers itself)
        from chain.services import audit, metrics  # noqa: PLC0415 (the models are ready only now)

        metrics.register()
        audit.register()
