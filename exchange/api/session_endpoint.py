"""What the addresses of sessions have in common: who calls, and in which session."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from exchange.api.auth import SCHEME, TokenAuthentication
from exchange.api.endpoint import Endpoint, trader_of, visitor_of
from exchange.errors import NotAllowed, NotFound
from exchange.models import ApiToken, Participant, Session, User
from exchange.selectors.outcome import access
from exchange.services.sessions.lobby import TOKEN_PREFIX
from exchange.services.tokens import digest

SECRET_MAX = 100


class ParticipantAuthentication(TokenAuthentication):
    """Authorization: Bearer mgp_… opens one session of play money; mgt_… is an account's key."""

    def authenticate(  # type: ignore[override]  # a participant's token beside an account's
        self, request: Request
    ) -> tuple[User, Participant | ApiToken] | None:
        """Return whose token it is, or None where the caller presents none."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != SCHEME or not secret.startswith(TOKEN_PREFIX):
            return super().authenticate(request)
        found = None
        if len(secret) <= SECRET_MAX:
            found = access.participant_by_digest(digest(secret))
        if found is None:
            raise AuthenticationFailed("this token is unknown", code="token_invalid")
        return found.user, found


class InSession(Endpoint):
    """An address of a session, for its host, its participants, and who looks on."""

    authentication_classes = (ParticipantAuthentication, SessionAuthentication)


class Watched(InSession):
    """An address of a session that anyone with its code may read."""

    public = frozenset({"GET", "HEAD"})


def session_of(request: Request, code: str) -> Session:
    """Return the session of an address. Raises NotFound."""
    return access.session(code, visitor_of(request))


def hosted_by(request: Request, code: str) -> tuple[User, Session]:
    """Return the caller and their own session. Raises NotSignedIn, NotAllowed, NotFound."""
    host = trader_of(request)
    if isinstance(request.auth, Participant):
        raise NotAllowed("a participant's token does not host")
    return host, access.hosted(code, host)


def participant_of(request: Request, code: str) -> Participant:
    """Return the caller's part in a session. Raises NotSignedIn, NotFound."""
    user = trader_of(request)
    if isinstance(request.auth, Participant) and request.auth.session.code == code:
        return request.auth  # its session came with it
    session = access.session(code, user)
    found = part_in(request, session)
    if found is None:
        raise NotFound("you take no part in this session")
    found.session = session
    return found


def part_in(request: Request, session: Session) -> Participant | None:
    """Return the caller's part in a session, if they have one; a token is for its session alone."""
    if isinstance(request.auth, Participant):
        own = request.auth
        return own if own.session_id == session.pk else None
    return access.participant(session, visitor_of(request))
