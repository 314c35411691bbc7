"""What must be freshly proved: that the person at a session is still its owner."""

from datetime import datetime, timedelta

from exchange import clock
from exchange.errors import NotAllowed

STEP_UP = timedelta(minutes=5)


def is_fresh(proved_at: datetime | None) -> bool:
    """Say whether the owner gave a password or a second factor once more lately enough."""
    return proved_at is not None and clock.now() - proved_at <= STEP_UP


def require_fresh(proved_at: datetime | None) -> None:
    """Refuse what no session alone may do. Raises NotAllowed step_up_needed."""
    if not is_fresh(proved_at):
        raise NotAllowed("confirm that it is you, then ask again", code="step_up_needed")
