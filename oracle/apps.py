"""The oracle as a Django application."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class OracleConfig(AppConfig):
    """Runs, evidence and readings."""

    name = "oracle"

    def ready(self) -> None:
        """Let readers ask the host's model process, and scrapers ask how it does."""
        from oracle.analysts import away, nets  # noqa: PLC0415 (models must be loaded first)
        from oracle.services import metrics  # noqa: PLC0415

        nets.use(away.Away(Path(settings.ORACLE_READERS_SOCKET)))
        metrics.register()
