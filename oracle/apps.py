"""The oracle as a Django application."""

from django.apps import AppConfig


class OracleConfig(AppConfig):
    """Runs, evidence and readings."""

    name = "oracle"
