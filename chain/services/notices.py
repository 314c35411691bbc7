"""Letters to the owner of the money at each step, with what to do if somebody else took it."""

from exchange.models import User
from exchange.services import letters

IF_NOT_YOU = (
    "If this was not you, change your password now: nothing leaves for 24 hours after that."
)


def tell(user: User, subject: str, *lines: str) -> None:
    """Write to a user once the present transaction is committed."""
    letters.write(user, subject, *lines, IF_NOT_YOU)
