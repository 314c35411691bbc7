"""The clock process, which also says when each tick of a session began and when it was durable.

The program is `manage.py clock` itself; only the function that guards a tick is put into another
that reads the clock. Ticks of one session come without a gap, so their order names them.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable

import django
from django.core.management import call_command


def main() -> None:
    """Serve as the clock until a signal asks to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "megatron.settings")
    django.setup()
    tick = importlib.import_module("exchange.services.outcome.tick")
    guarded = tick.guarded

    def timed(market_id: int, work: Callable[[], bool]) -> bool:
        began = time.monotonic_ns()

        def told() -> bool:
            done = work()
            if done:
                now = time.monotonic_ns(), time.time_ns()
                line = {"market": market_id, "began_ns": began, "done_ns": now[0]}
                sys.stdout.write(json.dumps({**line, "at_ms": now[1] // 1_000_000}) + "\n")
                sys.stdout.flush()
            return done

        taken: bool = guarded(market_id, told)
        return taken

    vars(tick)["guarded"] = timed
    call_command("clock")


if __name__ == "__main__":
    main()
