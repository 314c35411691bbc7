"""What a cycle costs the database: few statements, and one commit that waits for the disk."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange.services import commands
from exchange.services.batch import Receipt
from oracle.models import Run
from oracle.services import cycle
from oracle.services.leases import UNHURRIED
from tests.oracle import world

pytestmark = pytest.mark.django_db(transaction=True)

STATEMENTS_MAX = 60


def transactions(statements: list[str]) -> list[list[str]]:
    """Return the statements of each transaction; one outside of any is its own."""
    found: list[list[str]] = []
    inside = False
    for one in statements:
        if not inside:
            found.append([])
        found[-1].append(one)
        inside = one == "BEGIN" or (inside and one not in ("COMMIT", "ROLLBACK"))
    return found


def test_steps_do_not_wait_for_the_disk_and_the_event_does(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, apart = commands.submit, []

    def heard_submit(**asked: Any) -> Receipt:
        apart.append(not connection.in_atomic_block)
        return submit(**asked)

    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    world.started(market)
    monkeypatch.setattr(commands, "submit", heard_submit)
    with CaptureQueriesContext(connection) as heard:
        run = cycle.run_market(market.pk)
    assert run is not None
    assert run.state == Run.State.APPLIED
    said = [row["sql"] for row in heard.captured_queries]
    assert len(said) <= STATEMENTS_MAX
    writing = [one for one in transactions(said) if any(map(_writes, one))]
    assert all(UNHURRIED in one for one in writing if any("oracle_" in row for row in one))
    assert len(writing) >= len(("take", "fetch", "read", "decide", "apply"))
    assert apart == [True]  # the event has a transaction of its own, which waits


def _writes(statement: str) -> bool:
    return statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE"))
