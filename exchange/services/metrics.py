"""The figures that alarms look at; scraped from /metrics."""

from prometheus_client import Counter, Gauge, Histogram

AUDIT_FINDINGS = Gauge("megatron_audit_findings", "Findings of the newest audit; alarm above 0")
AUDIT_AT = Gauge("megatron_audit_timestamp_seconds", "When the newest audit finished")
BATCH_SECONDS = Histogram(
    "megatron_batch_seconds",
    "Time of one settlement, commit included",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
BATCH_COMMANDS = Histogram(
    "megatron_batch_commands", "Commands settled together", buckets=(1, 2, 5, 10, 25, 50, 100, 500)
)
HALTS = Counter("megatron_market_halts_total", "Markets halted by a rule", ["rule"])
