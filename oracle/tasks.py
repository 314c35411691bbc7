"""What the worker does for the oracle on the beat's word. Tasks carry no facts but a key."""

from celery import shared_task

from exchange import clock
from oracle.services import backtests, calibrating, cycle, sweep


@shared_task
def oracle_sweep() -> int:
    """Claim what is due and send one task for each market that wants a worker."""
    markets = sweep.sweep()
    for market_id in markets:
        oracle_cycle.delay(market_id)
    return len(markets)


@shared_task
def oracle_cycle(market_id: int) -> str:
    """Finish the market's open run, if nobody else is at it."""
    run = cycle.run_market(market_id)
    return run.state if run else ""


@shared_task
def oracle_calibrate() -> int:
    """Learn what confidence is worth, for every market that did not for a week."""
    return calibrating.refit_due(clock.now())


@shared_task
def oracle_backtests() -> str:
    """Play one report card that was asked for, if one waits."""
    job = backtests.advance()
    return job.state if job else ""
