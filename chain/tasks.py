"""What the worker does for the chains on the beat's word. Tasks carry no facts."""

from celery import shared_task

from chain.services import backfills, follow, reconcile, reserves


@shared_task
def chains_advance() -> int:
    """Do one pass over every network: the safety net under the process that follows them."""
    follower = follow.Follower()
    try:
        reports = [follower.advance(network) for network in follow.networks()]
    finally:
        follower.release()
    return sum(report.blocks for report in reports)


@shared_task
def backfills_advance() -> int:
    """Read on in every range that somebody asked to have read again."""
    return backfills.advance_all()


@shared_task
def reserves_prove() -> bool:
    """Once a day, publish what is owed and what is held."""
    return not reserves.is_due() or reserves.prove().shortfall_micro == 0


@shared_task
def balances_reconcile() -> int:
    """Once a day, compare what each address holds with what the rows say it received."""
    return reconcile.reconcile_all()
