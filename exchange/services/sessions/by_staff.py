"""A host's verbs done from the staff's side: the same services, with a reason on record."""

from collections.abc import Callable

from exchange.errors import NotAllowed
from exchange.models import Session, StaffAction, User
from exchange.services.staff import reason_of


def acted(
    *, actor: User, session: Session, verb: str, reason: str, act: Callable[[], object]
) -> StaffAction:
    """Do a host's verb and keep who did it, to what, and why; a refused one leaves no record.

    The log of staff is public, so that it names the session's market and not its code.

    Raises:  NotAllowed, Malformed for the reason; whatever `act` raises.
    """
    if not (actor.is_staff and actor.is_active):
        raise NotAllowed("only staff may do this")
    reason = reason_of(reason)
    act()
    return StaffAction.objects.create(
        actor=actor, verb=f"session.{verb}", target=session.market.slug, reason=reason
    )
