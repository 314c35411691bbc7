"""The limit for trades: one PL/pgSQL function per trade under pgbench, on the same server."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from megatron import binaries
from tests.bench.cpu import Meter
from tests.bench.figures import percentile

HERE = Path(__file__).resolve().parent
TABLES = (HERE / "limit_tables.sql").read_text()
KEYS = (HERE / "limit_keys.sql").read_text()
TRADE = HERE / "limit_trade.sql"
LATENCY_FIELD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of pgbench came to."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


class Limit:
    """The function in a schema of its own, with or without foreign keys."""

    def __init__(self, url: str, meter: Meter, *, keys: bool) -> None:
        self.url, self.meter = url, meter
        self.schema = "limit_with_keys" if keys else "limit_without_keys"
        with psycopg.connect(url, autocommit=True) as raw:
            raw.execute(
                f"CREATE SCHEMA {self.schema}; SET search_path = {self.schema}; {TABLES}".encode()
            )
            if keys:
                raw.execute(KEYS.encode())
            raw.execute("ANALYZE")

    def run(self, *, clients: int, length: tuple[str, str]) -> Run:
        """Run pgbench with that many clients; `length` is its own word: -T seconds or -t trades."""
        with tempfile.TemporaryDirectory() as folder:
            before = self.meter.seconds()
            self._pgbench(clients, length, f"{folder}/log")
            used_s = self.meter.seconds() - before
            rows = [
                row.split()
                for log in Path(folder).iterdir()
                for row in log.read_text().splitlines()
            ]
        latencies = [int(row[LATENCY_FIELD]) / 1_000 for row in rows]
        # closed loop: the clients' time is spent in their trades, so this is the rate
        per_s = len(latencies) * clients / (sum(latencies) / 1_000)
        return Run(
            per_s=per_s,
            p50_ms=percentile(latencies, 0.50),
            p99_ms=percentile(latencies, 0.99),
            cpu_us=used_s / len(latencies) * 1e6,
        )

    def _pgbench(self, clients: int, length: tuple[str, str], log: str) -> None:
        threads = min(clients, os.cpu_count() or 1)
        subprocess.run(
            [
                *(_program(), "--no-vacuum", "-M", "prepared", "-f", str(TRADE), *length),
                *("-c", str(clients), "-j", str(threads), "--log", f"--log-prefix={log}"),
                self.url,
            ],
            env={**os.environ, "PGOPTIONS": f"-c search_path={self.schema}"},
            capture_output=True,
            check=True,
        )


def _program() -> str:
    try:
        return str(binaries.find().postgres / "pgbench")
    except binaries.NotStarted:
        found = shutil.which("pgbench")
        if found is None:
            raise
        return found
