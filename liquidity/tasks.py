"""What the worker does for the providers' side on the beat's word. Tasks carry no facts."""

from celery import shared_task

from liquidity.services import simulations


@shared_task
def simulations_advance() -> int:
    """Work on open simulations for a few seconds."""
    return simulations.simulations_advance()
