"""The figures that alarms look at; scraped from /metrics of any web process."""

from collections.abc import Iterator

from django.db.models import F, Min
from prometheus_client import Counter, Histogram
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exchange import clock
from exchange.models import AuditRun, Command, LiveState, Market, OutboxEvent

BATCH_SECONDS = Histogram(
    "megatron_batch_seconds",
    "Time of one settlement, commit included",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
BATCH_COMMANDS = Histogram(
    "megatron_batch_commands", "Commands settled together", buckets=(1, 2, 5, 10, 25, 50, 100, 500)
)
SESSION_ORDERS = Counter(
    "megatron_session_orders_total", "Orders handed in with a participant's token", ["status"]
)
SESSION_ORDERS_TOGETHER = Histogram(
    "megatron_session_orders_together",
    "Such orders taken in one statement",
    buckets=(1, 2, 5, 10, 25, 50, 100, 500),
)
HALTS = Counter("megatron_market_halts_total", "Markets halted by a rule", ["rule"])


class Books(Collector):
    """Figures that live in the database, whoever put them there."""

    def describe(self) -> list[Metric]:
        """Name nothing in advance, so that registering reads no table."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the newest audit, the outbox and the oracles' ages."""
        finished = AuditRun.objects.exclude(finished_at=None)
        audit, full = finished.first(), finished.filter(full=True).first()
        if audit is not None and audit.finished_at is not None:
            # an audit of the newest entries does not see what a full one has found in old ones
            found = [run.figures.get("findings", 0) for run in (audit, full) if run is not None]
            yield _gauge(
                "megatron_audit_findings",
                "Findings of the newest audit and the newest full one; alarm above 0",
                max(found),
            )
            age = (clock.now() - audit.finished_at).total_seconds()
            yield _gauge("megatron_audit_age_seconds", "Since the newest audit", age)
        waiting = OutboxEvent.objects.count()
        yield _gauge("megatron_outbox_waiting", "News not yet published", waiting)
        halted = LiveState.objects.exclude(halt_rule="").count()
        yield _gauge("megatron_markets_halted", "Markets a rule has halted", halted)
        oldest = Command.objects.filter(
            batch_seq=None, market__kind=Market.Kind.OUTCOME, market__live__halt_rule=""
        ).aggregate(at=Min("created_at"))["at"]
        waited = 0.0 if oldest is None else (clock.now() - oldest).total_seconds()
        yield _gauge("megatron_session_waiting_seconds", "Oldest order no tick has taken", waited)
        ages = GaugeMetricFamily(
            "megatron_oracle_age_seconds", "Since the market's last oracle event", labels=["market"]
        )
        active = LiveState.objects.filter(market__status=Market.Status.ACTIVE)
        for slug, last_s in active.values_list("market__slug", F("state__last_oracle_s")):
            ages.add_metric([slug], clock.now_s() - int(last_s))
        yield ages


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def register() -> None:
    """Offer the database's figures to scrapers; called once, when the app is ready."""
    REGISTRY.register(Books())
