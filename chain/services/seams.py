"""Places at which a test may let the process die; anywhere else nothing happens there."""

from collections.abc import Callable

_hook: list[Callable[[str], None]] = []


def crash_here(name: str) -> None:
    """Die here if a test wants it. A seam stands before and after every commit and outside call."""
    for hook in _hook:
        hook(name)


def install(hook: Callable[[str], None] | None) -> None:
    """Let `hook` decide at each seam; None takes it away. For tests."""
    _hook[:] = [hook] if hook else []
