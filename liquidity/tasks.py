"""What the worker does for the providers' side on the beat's word. Tasks carry no facts."""

from celery import shared_task

from liquidity.services import decisions, simulations


@shared_task
def simulations_advance() -> int:
    """Work on open simulations for a few seconds."""
    return simulations.simulations_advance()


@shared_task
def requests_advance() -> int:
    """Make the stakes of approved requests contributions where that was interrupted."""
    return decisions.requests_advance()
