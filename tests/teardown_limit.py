"""An early pytest plugin: a teardown that hangs ends its process, and the stack says where.

pytest-timeout guards no teardown once its test has failed, and an event loop whose tasks will not
go would hold a whole run for ever. Under xdist a lost worker is a failed test and a new worker.
"""

import faulthandler
import os
from collections.abc import Iterator

import pytest

LIMIT_S = 180
# Before pytest catches what is written there.
_stderr = os.dup(2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Write every thread's stack and exit, if this takes longer than any teardown may."""
    faulthandler.dump_traceback_later(LIMIT_S, exit=True, file=_stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
