"""Sessions: make one, set it up, let people in, and lead it to its end."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import (
    PageQuery,
    body_of,
    key_of_request,
    paged,
    query_of,
    trader_of,
    visitor_of,
)
from exchange.api.schema import operation
from exchange.api.session_endpoint import InSession, Watched, hosted_by, session_of
from exchange.api.shapes import session_inputs as inputs
from exchange.api.shapes import sessions as shapes
from exchange.errors import Malformed
from exchange.models import Participant, Session, User
from exchange.selectors.outcome import sessions
from exchange.services.outcome.accept import Accepted
from exchange.services.sessions import drafts, host, lobby

TAG = "sessions"
OFFSET_MAX = 10_000


class SessionList(InSession):
    """The caller's sessions."""

    @operation("session_list", answer=shapes.SessionPage, query=PageQuery, tag=TAG)
    def get(self, request: Request) -> Response:
        """List the sessions that the caller hosts or takes part in, the newest first."""
        wanted = query_of(request, PageQuery)
        start = _offset(wanted.get("cursor"))
        found = sessions.of_user(trader_of(request))[start : start + wanted["limit"] + 1]
        after = str(start + wanted["limit"])
        return paged(shapes.SessionRow, list(found), wanted["limit"], lambda _: after)

    @operation(
        "session_create",
        answer=shapes.SessionShape,
        takes=inputs.SessionInput,
        status=201,
        tag=TAG,
    )
    def post(self, request: Request) -> Response:
        """Make a draft. It takes the right to host."""
        user = trader_of(request)
        draft = draft_in(body_of(request, inputs.SessionInput))
        session = drafts.session_create(host=user, draft=draft)
        return _shown(session, user, status=201)


class SessionOne(Watched):
    """One session."""

    scopes = {"GET": "read", "HEAD": "read", "PUT": "trade", "DELETE": "trade"}
    throttles = {"GET": "read", "HEAD": "read", "PUT": "trade", "DELETE": "trade"}

    @operation("session_read", answer=shapes.SessionShape, tag=TAG)
    def get(self, request: Request, code: str) -> Response:
        """Describe a session: where it stands, its clock, outcomes, prices, risk, parameters."""
        return _shown(session_of(request, code), visitor_of(request))

    @operation("session_configure", answer=shapes.SessionShape, takes=inputs.SessionInput, tag=TAG)
    def put(self, request: Request, code: str) -> Response:
        """Replace what a draft says."""
        user, session = hosted_by(request, code)
        draft = draft_in(body_of(request, inputs.SessionInput))
        changed = drafts.session_configure(host=user, session=session, draft=draft)
        return _shown(changed, user)

    @operation("session_delete", answer=None, status=204, tag=TAG)
    def delete(self, request: Request, code: str) -> Response:
        """Delete a draft."""
        user, session = hosted_by(request, code)
        drafts.session_delete(host=user, session=session)
        return Response(status=204)


class LobbyOpen(InSession):
    """The lobby."""

    @operation("session_lobby_open", answer=shapes.SessionShape, takes=inputs.CloneInput, tag=TAG)
    def post(self, request: Request, code: str) -> Response:
        """Let people in by the code; for real money the fund is held from now on."""
        user, session = hosted_by(request, code)
        lobby.lobby_open(host=user, session=session)
        return _shown(session, user)


class LobbyClose(InSession):
    """The end of a lobby."""

    @operation("session_lobby_close", answer=shapes.SessionShape, takes=inputs.CloneInput, tag=TAG)
    def post(self, request: Request, code: str) -> Response:
        """Give a session up before its start; the fund returns."""
        user, session = hosted_by(request, code)
        lobby.lobby_close(host=user, session=session)
        return _shown(session, user)


class Join(InSession):
    """Taking part."""

    public = frozenset({"POST"})
    throttles = {"POST": "join"}

    @operation(
        "session_join",
        answer=shapes.JoinedShape,
        takes=inputs.JoinInput,
        status=201,
        tag=TAG,
        auth=("", "participant", "cookieAuth"),
    )
    def post(self, request: Request, code: str) -> Response:
        """Take part under a name. Play money needs no account; the token is shown this once."""
        session = session_of(request, code)
        name = body_of(request, inputs.JoinInput)["name"]
        if isinstance(request.auth, Participant) and request.auth.session_id == session.pk:
            return _joined(request.auth, None)
        return _joined(*lobby.join(session=session, name=name, user=visitor_of(request)))


class Start(InSession):
    """The start."""

    @operation("session_start", answer=shapes.SessionShape, takes=inputs.CloneInput, tag=TAG)
    def post(self, request: Request, code: str) -> Response:
        """Begin: the clock of the session starts at zero."""
        user, session = hosted_by(request, code)
        lobby.session_start(host=user, session=session)
        return _shown(session, user)


class ReduceOnly(InSession):
    """Reduce-only."""

    @operation(
        "session_reduce_only",
        answer=shapes.TakenShape,
        takes=inputs.ReasonInput,
        key=True,
        tag=TAG,
    )
    def post(self, request: Request, code: str) -> Response:
        """Let people only sell and take orders back, from the next tick on."""
        (user, session), key = hosted_by(request, code), key_of_request(request)
        reason = body_of(request, inputs.ReasonInput).get("reason", "")
        taken = host.reduce_only(host=user, session=session, reason=reason, key=key[:KEY_MAX])
        return _taken(taken)


class Resume(InSession):
    """The end of reduce-only."""

    @operation(
        "session_resume", answer=shapes.TakenShape, takes=inputs.CloneInput, key=True, tag=TAG
    )
    def post(self, request: Request, code: str) -> Response:
        """Let people buy again, from the next tick on."""
        (user, session), key = hosted_by(request, code), key_of_request(request)
        return _taken(host.resume(host=user, session=session, key=key[:KEY_MAX]))


class Eliminate(InSession):
    """Eliminations by the host."""

    @operation(
        "session_eliminate",
        answer=shapes.TakenShape,
        takes=inputs.EliminateInput,
        key=True,
        tag=TAG,
    )
    def post(self, request: Request, code: str) -> Response:
        """Name the outcomes that end, where a round leaves that to the host."""
        (user, session), key = hosted_by(request, code), key_of_request(request)
        gone = body_of(request, inputs.EliminateInput)["outcomes"]
        taken = host.eliminate(host=user, session=session, outcomes=gone, key=key[:KEY_MAX])
        return _taken(taken)


class End(InSession):
    """An early end."""

    @operation("session_end", answer=shapes.TakenShape, takes=inputs.CloneInput, tag=TAG)
    def post(self, request: Request, code: str) -> Response:
        """End trading for good at the next tick."""
        user, session = hosted_by(request, code)
        return _taken(host.end(host=user, session=session))


class Resolve(InSession):
    """The result."""

    @operation("session_resolve", answer=shapes.TakenShape, takes=inputs.ResolveInput, tag=TAG)
    def post(self, request: Request, code: str) -> Response:
        """Name the winner of a session that has ended; the next tick pays everybody."""
        user, session = hosted_by(request, code)
        winner = body_of(request, inputs.ResolveInput)["winner"]
        return _taken(host.resolve(host=user, session=session, winner=winner))


class Reset(InSession):
    """A new beginning."""

    @operation(
        "session_reset", answer=shapes.SessionShape, takes=inputs.CloneInput, status=201, tag=TAG
    )
    def post(self, request: Request, code: str) -> Response:
        """End a session of play money and open the lobby of its clone."""
        user, session = hosted_by(request, code)
        return _shown(host.reset(host=user, session=session), user, status=201)


class Clone(InSession):
    """Another of the same."""

    @operation(
        "session_clone", answer=shapes.SessionShape, takes=inputs.CloneInput, status=201, tag=TAG
    )
    def post(self, request: Request, code: str) -> Response:
        """Make a new draft that says what this session says."""
        user, session = hosted_by(request, code)
        name = body_of(request, inputs.CloneInput).get("name", "")
        made = drafts.session_clone(host=user, session=session, name=name)
        return _shown(made, user, status=201)


# The number of the session and what is added to it stand beside the key in the log.
KEY_MAX = 32


def draft_in(values: Mapping[str, Any]) -> drafts.Draft:
    """Return the draft that a body describes."""
    fields = dict(values)
    labels = [drafts.Label(**row) for row in fields.pop("outcomes")]
    return drafts.Draft(labels=labels, **fields)


def _shown(session: Session, viewer: User | None, *, status: int = 200) -> Response:
    found = sessions.view(sessions.fresh(session), viewer)
    return Response(shapes.SessionShape(found).data, status=status)


def _joined(participant: Participant, token: str | None) -> Response:
    shown = {"name": participant.name, "token": token}
    return Response(shapes.JoinedShape(shown).data, status=201)


def _taken(taken: Accepted) -> Response:
    return Response(shapes.TakenShape(taken).data)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or int(cursor) > OFFSET_MAX:
        raise Malformed("this cursor is not one of ours", fields={"cursor": cursor[:40]})
    return int(cursor)
