"""Whether this host's model process answers, for alarms; scraped from /metrics."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oracle.analysts import weights
from oracle.analysts.away import Away


class Readers(Collector):
    """Figures of the model process as it tells them itself."""

    def describe(self) -> list[Metric]:
        """Name nothing in advance, so that registering asks nobody."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Ask the process once."""
        if not weights.any_present():
            return
        told = Away(Path(settings.ORACLE_READERS_SOCKET)).state()
        up = GaugeMetricFamily(
            "megatron_readers_up", "1 where the model process answers; alarm at 0 for minutes"
        )
        up.add_metric([], 1 if told else 0)
        yield up
        runs = GaugeMetricFamily(
            "megatron_readers_runtime", "How each network is run", labels=["model", "runtime"]
        )
        for model, row in told.get("models", {}).items():
            runs.add_metric([model, str(row.get("runtime", ""))], 1)
        if told:
            yield runs
        for name, text in (
            ("rss_mib", "Memory of the model process"),
            ("texts", "Texts it has read since it started"),
            ("turns", "Turns it took: questions that came together share one"),
        ):
            if told:
                yield GaugeMetricFamily(f"megatron_readers_{name}", text, value=told[name])


def register() -> None:
    """Offer the figures to scrapers; called once, when the app is ready."""
    REGISTRY.register(Readers())
