"""A clock that stands still, so that a busy machine cannot make a test late."""

import pytest

from exchange import clock


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let no time pass but what `clock.shifted` says; return the instant in milliseconds."""
    base_ms = clock.now_ms()

    def now_ms() -> int:
        return base_ms + 1_000 * clock._shift_s.get()

    monkeypatch.setattr(clock, "now_ms", now_ms)
    monkeypatch.setattr(clock, "now_s", lambda: now_ms() // 1_000)
    monkeypatch.setattr(clock, "now", lambda: clock.at_ms(now_ms()))
    return base_ms
