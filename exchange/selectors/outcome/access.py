"""The one way from an outside id to a session or to something in it. Raises NotFound.

A session's code is its invitation: whoever has it may look. A draft is there for its host alone.
"""

from collections.abc import Collection

from django.db.models import QuerySet

from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.models import Command, Market, OutcomeTick, Participant, Session, User

PRIVATE = (Market.Status.DRAFT, Market.Status.CLOSED)
CODE_MAX = 24


def session(code: str, viewer: User | None = None) -> Session:
    """Return a session by its code."""
    found = _by_code(code).first()
    if found is None or (found.market.status in PRIVATE and found.host_id != _id(viewer)):
        raise NotFound(f"there is no session {code[:CODE_MAX]!r}")
    return found


def hosted(code: str, host: User) -> Session:
    """Return a session of this host's, or of anybody's for who runs the site."""
    rows = _by_code(code)
    found = (rows if host.is_superuser else rows.filter(host=host)).first()
    if found is None:
        raise NotFound(f"there is no session {code[:CODE_MAX]!r} of yours")
    return found


def participant(session: Session, user: User | None) -> Participant | None:
    """Return somebody's part in a session, if they have joined."""
    if user is None:
        return None
    return session.participants.select_related("user").filter(user=user).first()


def participant_by_digest(digest: bytes) -> Participant | None:
    """Return whose token has this digest; a closed account has none."""
    return participants_by_digest([digest]).get(digest)


def participants_by_digest(digests: Collection[bytes]) -> dict[bytes, Participant]:
    """Return whose tokens have these digests, with their sessions; closed accounts have none."""
    rows = Participant.objects.select_related("user").filter(user__is_active=True)
    people = list(rows.filter(digest__in=digests).order_by())
    sessions = Session.objects.select_related("market").in_bulk({p.session_id for p in people})
    for one in people:
        one.session = sessions[one.session_id]
    return {bytes(one.digest or b""): one for one in people}


def order_of(participant: Participant, order_id: str) -> Command:
    """Return what a participant asked of the session; somebody else's does not exist for them."""
    rows = Command.objects.filter(
        market_id=participant.session_id, user_id=participant.user_id, id=key_of("ord", order_id)
    )
    found = rows.first()
    if found is None:
        raise NotFound(f"there is no order {order_id[:40]!r}")
    return found


def order_by_key(participant: Participant, key: str) -> Command | None:
    """Return what a participant asked under a key, or None if it never arrived."""
    rows = Command.objects.filter(market_id=participant.session_id, user_id=participant.user_id)
    return rows.filter(key=key).first()


def tick(session: Session, number: int) -> OutcomeTick | None:
    """Return what held at a tick: the newest batch up to it, or None before the first."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id, number__lte=number)
    return rows.order_by("-number").first()


def _by_code(code: str) -> QuerySet[Session]:
    rows = Session.objects.select_related("market__live", "host")
    # what no table can hold, as a NUL, is asked of none
    return rows.filter(code=code) if code.isprintable() else rows.none()


def _id(user: User | None) -> int:
    return -1 if user is None else user.pk
