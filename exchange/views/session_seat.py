"""Who looks at a session: its host, somebody who takes part, or a passer-by with the code."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from exchange.errors import NotFound, NotSignedIn
from exchange.guests import cookie_name
from exchange.models import Participant, Session, User
from exchange.selectors.outcome import access, sessions
from exchange.selectors.outcome.sessions import SessionView
from exchange.services.sessions.drafts import RIGHT
from exchange.services.tokens import digest

COOKIE_AGE_S = 30 * 24 * 3600
SECRET_MAX = 100
COOKIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Seat:
    """A session and who looks at it; without a participant one may look and preview."""

    session: Session
    user: User | None
    participant: Participant | None

    @property
    def is_host(self) -> bool:
        """Whether this is the host, or who runs the site."""
        user = self.user
        return user is not None and (user.pk == self.session.host_id or user.is_superuser)


def view_of(seat: Seat) -> SessionView:
    """Return a session as its visitor may know it: the plan of rounds is told to the host."""
    return sessions.view(seat.session, seat.user)


def user_of(request: HttpRequest) -> User | None:
    """Return who is signed in."""
    return request.user if isinstance(request.user, User) else None


def may_host(user: User | None) -> bool:
    """Whether somebody has the right to host."""
    return user is not None and user.has_perm(RIGHT)


def seat_of(request: HttpRequest, code: str) -> Seat:
    """Return the session of an address and the visitor's place in it. Raises NotFound.

    Who is signed in takes part by their account; others by the cookie of this one session.
    """
    user = user_of(request)
    session = access.session(code, user)
    found = access.participant(session, user) or _guest(request, session)
    if found is not None:
        found.session = session
    return Seat(session, user, found)


def taking_part(request: HttpRequest, code: str) -> Participant:
    """Return the visitor's part in a session. Raises NotFound, NotSignedIn."""
    found = seat_of(request, code)
    if found.participant is None:
        if found.user is None and not found.session.is_play:
            raise NotSignedIn("sign in to take part")
        raise NotFound("you take no part in this session")
    return found.participant


def remember(response: HttpResponse, request: HttpRequest, code: str, secret: str) -> None:
    """Let the browser keep a guest's token, out of reach of scripts."""
    response.set_cookie(
        cookie_name(code),
        secret,
        max_age=COOKIE_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def guest_parts(request: HttpRequest) -> list[Participant]:
    """Return every part that this browser's cookies open."""
    secrets = [v for name, v in request.COOKIES.items() if name.startswith("participant_")]
    found = [access.participant_by_digest(digest(s[:SECRET_MAX])) for s in secrets[:COOKIES_MAX]]
    return [row for row in found if row is not None]


def _guest(request: HttpRequest, session: Session) -> Participant | None:
    secret = request.COOKIES.get(cookie_name(session.code), "")
    if not secret or len(secret) > SECRET_MAX:
        return None
    found = access.participant_by_digest(digest(secret))
    return found if found is not None and found.session_id == session.pk else None
