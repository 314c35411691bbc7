"""Many callers at once: threads with a database connection each, let go at one barrier."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from django.db import connection

from exchange.errors import MegatronError
from tests.patience import PATIENCE_S

T = TypeVar("T")


def together(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Run each job in a thread of its own, all let go at once; return what came of each.

    An answer that does not come within a minute is a failure of the test.
    """
    outcomes: list[T | Exception | None] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(place: int, job: Callable[[], T]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(PATIENCE_S)
            outcomes[place] = job()
        except Exception as failure:  # noqa: BLE001 (the test judges each)
            outcomes[place] = failure
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(place, job), daemon=True)
        for place, job in enumerate(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    waiting = sum(thread.is_alive() for thread in threads)
    assert not waiting, f"{waiting} of {len(jobs)} callers were never answered"
    return cast("list[T | Exception]", outcomes)


def codes(outcomes: Sequence[object]) -> Counter[str]:
    """Count the outcomes by what they mean: ok, a stable code, or the name of a stray error."""
    return Counter(_code(outcome) for outcome in outcomes)


def _code(outcome: object) -> str:
    if isinstance(outcome, MegatronError):
        return outcome.code
    if isinstance(outcome, Exception):
        return f"{type(outcome).__name__}: {outcome}"[:200]
    return "ok" if outcome is not False else "no"


@contextmanager
def room_for(connections: int) -> Iterator[None]:
    """Let this process hold so many database connections; threads keep one each."""
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    usual = options.get("pool")
    if not isinstance(usual, dict):
        yield
        return
    _replace_pool(options, {**usual, "max_size": connections})
    try:
        yield
    finally:
        _replace_pool(options, usual)


def _replace_pool(options: dict[str, Any], pool: dict[str, Any]) -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's wrapper has pools
    options["pool"] = pool
