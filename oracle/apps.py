"""The oracle as a Django application."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class OracleConfig(AppConfig):
    """Runs, evidence and readings."""

    name = "oracle"

    def ready(self) -> None:
        """Wire readers to the model process, scrapers to its state, funding to the gate."""
        from exchange.services import gate  # noqa: PLC0415 (models must be loaded first)
        from oracle.analysts import away, nets  # noqa: PLC0415 (likewise)
        from oracle.selectors import health  # noqa: PLC0415 (likewise)
        from oracle.services import metrics  # noqa: PLC0415 (likewise)

        gate.register(health.unfollowed)
        nets.use(away.Away(Path(settings.ORACLE_READERS_SOCKET)))
        metrics.register()
