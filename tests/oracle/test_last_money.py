"""Many workers at the last request that the day's money allows: one of them gets it."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from oracle.models import CostEntry, Source
from oracle.services import budgets
from oracle.sources.base import OverBudget
from tests.oracle import world

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS, PRICE_MICRO, LEFT = 16, 1_000, 1


@pytest.mark.parametrize("limit", ["the market's money", "the source's requests"])
def test_the_last_affordable_request_is_made_once(
    tmp_path: Path, settings: Any, limit: str
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    by_money = limit == "the market's money"
    market = world.oracle_market(daily_budget_micro=PRICE_MICRO if by_money else 10**9)
    run = world.started(market)
    requests = 10**6 if by_money else LEFT
    Source.objects.update(cost_micro=PRICE_MICRO, requests_per_day_max=requests)
    source, start = Source.objects.get(), threading.Barrier(WORKERS)
    got: list[bool] = []

    def spend() -> None:
        try:
            start.wait(20)
            budgets.spender(source, run)()
            got.append(True)
        except OverBudget:
            got.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=spend) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [False] * (WORKERS - 1) + [True]
    assert CostEntry.objects.filter(run=run).count() == 1
