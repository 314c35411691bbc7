"""The Celery application, and the one table of everything that runs by the clock."""

import os
import signal
from dataclasses import dataclass
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, setup_logging, worker_process_init
from django_structlog.celery.steps import DjangoStructLogInitStep

from exchange import live
from megatron import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "megatron.settings")

app = Celery("megatron")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()
app.steps["worker"].add(DjangoStructLogInitStep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One periodic task. The row is the default: staff may change the period in the admin."""

    task: str
    period_s: int
    queue: str
    if_never: str


BEAT = (
    Duty(
        task="chain.tasks.chains_advance",
        period_s=15,
        queue="chain",
        if_never="deposits and withdrawals wait where the process that follows chains is down",
    ),
    Duty(
        task="chain.tasks.backfills_advance",
        period_s=15,
        queue="chain",
        if_never="ranges that staff asked to have read again stay queued",
    ),
    Duty(
        task="chain.tasks.reserves_prove",
        period_s=3_600,  # it publishes once a day
        queue="chain",
        if_never="the newest proof of reserves grows old, and the page says how old",
    ),
    Duty(
        task="chain.tasks.balances_reconcile",
        period_s=86_400,
        queue="chain",
        if_never="an address that holds something else than its deposits goes unnoticed",
    ),
    Duty(
        task="exchange.tasks.audit_run",
        period_s=60,
        queue="default",
        if_never="a broken ledger is noticed by the next settlement only, not within the minute",
    ),
    Duty(
        task="exchange.tasks.audit_full",
        period_s=3_600,  # it runs once a day; asked each hour, a restart does not put it off
        queue="default",
        if_never="an edit of old entries or of a command log goes unnoticed",
    ),
    Duty(
        task="exchange.tasks.candles_roll",
        period_s=60,
        queue="default",
        if_never="charts by the hour and day stop; those by the minute go on",
    ),
    Duty(
        task="exchange.tasks.ticks_maintain",
        period_s=3600,
        queue="default",
        if_never="ticks land in the default partition and old days are kept",
    ),
    Duty(
        task="liquidity.tasks.requests_advance",
        period_s=30,
        queue="default",
        if_never="a stake stays set aside where an approval was interrupted",
    ),
    Duty(
        task="liquidity.tasks.simulations_advance",
        period_s=10,
        queue="default",
        if_never="simulations stay queued, so that nobody sees what a new market would go through",
    ),
    Duty(
        task="oracle.tasks.oracle_sweep",
        period_s=30,
        queue="oracle",
        if_never="no oracle run starts: fundamentals age and pages say how old they are",
    ),
    Duty(
        task="oracle.tasks.oracle_backtests",
        period_s=10,
        queue="oracle",
        if_never="no report card is made on request, so no new version can be followed",
    ),
    Duty(
        task="oracle.tasks.oracle_calibrate",
        period_s=3_600,  # a market learns once a week; asked each hour, a restart costs nothing
        queue="oracle",
        if_never="readers' confidence stays calibrated as it was, however right they are now",
    ),
)


@setup_logging.connect
def logging_is_ours(**_: Any) -> None:
    """Keep Celery from setting up loggers of its own: the settings have done it."""


@heartbeat_sent.connect
def worker_beats(**_: Any) -> None:
    """Mark the worker: the loop that takes tasks has just turned."""
    live.mark("worker")


@worker_process_init.connect
def worker_child_is_tied(**_: Any) -> None:
    """End a child of the worker with its parent, however the parent ends."""
    embedded.tie_to_parent(signal.SIGKILL)
