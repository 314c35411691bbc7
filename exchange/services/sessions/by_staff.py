"""A host's verbs done from the staff's side: the same services, with a reason on record.

Whoever runs the site may do them at any time, other staff only what a host has left undone for a
day: end a session that waits for a round's names, and name the winner of one that has ended. Nobody
decides a session for real money that they take part in.
"""

from collections.abc import Callable

from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Session, StaffAction, User
from exchange.selectors.outcome import waiting
from exchange.services.sessions import drafts, host
from exchange.services.sessions.drafts import record
from exchange.services.staff import reason_of

RIGHT = "exchange.change_session"


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


def resolve(*, actor: User, session: Session, winner: str, reason: str) -> StaffAction:
    """Name the winner, by its name, where the host has not; the next tick pays everybody.

    The host's own answer wins where both come at once: it is one command under one key.

    Raises:  NotAllowed; Malformed for the reason or the name; Conflict key_reused;
             Unprocessable session_state, host_decides, inactive_outcome.
    """
    number = _numbered(session, winner)

    def act() -> None:
        _require_place(actor, session, waiting.WINNER)
        host.name_winner(session=session, winner=number)
        record(session, "staff_resolved", by=actor, winner=number, reason=reason_of(reason))

    return acted(actor=actor, session=session, verb="resolve", reason=reason, act=act)


def end(*, actor: User, session: Session, reason: str) -> StaffAction:
    """End trading for good where the host has not named who goes in a round that is due.

    Raises:  NotAllowed, Malformed for the reason; Unprocessable session_state, host_decides.
    """

    def act() -> None:
        _require_place(actor, session, waiting.ROUND)
        host.close_trading(session=session)
        record(session, "staff_ended", by=actor, reason=reason_of(reason))

    return acted(actor=actor, session=session, verb="end", reason=reason, act=act)


def _require_place(actor: User, session: Session, kind: str) -> None:
    """Raise NotAllowed or Unprocessable unless `actor` may decide in the host's place by now."""
    if not session.is_play and session.participants.filter(user=actor).exists():
        raise NotAllowed("who takes part in a session for real money does not decide it")
    if actor.is_superuser or (session.host_id == actor.pk and actor.has_perm(drafts.RIGHT)):
        return
    if not actor.has_perm(RIGHT):
        raise NotAllowed("deciding a session of somebody else needs the right to change sessions")
    session.market.refresh_from_db()
    session.refresh_from_db()
    waits = waiting.waiting(session)
    if waits is None or waits.kind != kind or not waits.is_overdue:
        until = waits.until.isoformat() if waits is not None and waits.kind == kind else ""
        raise Unprocessable(
            "its host decides; staff may when the host has let a day pass",
            code="host_decides",
            fields={"until": until},
        )


def _numbered(session: Session, name: str) -> int:
    """Return the number of an outcome by its name; a number could be counted wrong."""
    names = [str(label["name"]) for label in session.outcomes]
    found = [n for n, known in enumerate(names) if known.casefold() == name.strip().casefold()]
    if not found:
        raise Malformed(
            f"there is no outcome {name[:40]!r}; there are {', '.join(names)}",
            fields={"winner": name[:40]},
        )
    return found[0]
