"""Defects that the fault tests have found and that are still open; each is expected to fail.

A line leaves this list with the mend. It is not a place for tests that fail now and then.
"""

import pytest

GAPS = {
    "test_store_trouble.py::": "a page answers 500 or late while the database is away",
}


def mark(items: list[pytest.Item]) -> None:
    """Expect the known gaps to fail; one that passes by now is welcome."""
    for item in items:
        for place, reason in GAPS.items():
            if place in item.nodeid:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
