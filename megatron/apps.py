"""The wiring as a Django application, so that its management commands are found."""

from django.apps import AppConfig

from megatron.celery import app as celery_app


class MegatronConfig(AppConfig):
    """Carries up and beat; has no tables."""

    name = "megatron"
    # Held here so that every process that loads Django has the application tasks bind to.
    celery = celery_app
