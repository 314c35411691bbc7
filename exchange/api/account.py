"""Who the caller is, and the keys the caller has made; keys are made by people, not by keys."""

from datetime import timedelta

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import Endpoint, body_of, trader_of
from exchange.api.schema import operation
from exchange.api.shapes import account as shapes
from exchange.models import ApiToken
from exchange.selectors import access
from exchange.services import tokens
from exchange.step_up import proved_at

SESSION = ("cookieAuth",)


class Me(Endpoint):
    """The caller."""

    @operation("me_read", answer=shapes.MeShape, tag="account")
    def get(self, request: Request) -> Response:
        """Say who is calling and what the caller may do."""
        user, token = trader_of(request), request.auth
        shown = {
            "id": user.pk,
            "email": user.email,
            "display_name": user.display_name,
            "is_bot": user.is_bot,
            "opens_barred": user.opens_barred,
            "signed_in_by": "token" if isinstance(token, ApiToken) else "session",
            "scopes": token.scopes if isinstance(token, ApiToken) else list(tokens.SCOPES),
        }
        return Response(shapes.MeShape(shown).data)


class TokenList(Endpoint):
    """The caller's keys."""

    session_only = True
    throttles = {"GET": "read", "HEAD": "read", "POST": "token"}

    @operation("token_list", answer=shapes.TokenList, tag="account", auth=SESSION)
    def get(self, request: Request) -> Response:
        """List own keys, revoked ones included."""
        found = trader_of(request).api_tokens.order_by("-id")
        return Response({"results": shapes.TokenShape(found, many=True).data})

    @operation(
        "token_create",
        answer=shapes.TokenMade,
        takes=shapes.TokenInput,
        status=201,
        tag="account",
        auth=SESSION,
    )
    def post(self, request: Request) -> Response:
        """Make a key, whose secret is in this answer alone; with `withdraw` prove yourself."""
        wanted = body_of(request, shapes.TokenInput)
        days = wanted.get("ttl_days")
        row, secret = tokens.create(
            user=trader_of(request),
            name=wanted["name"],
            scopes=wanted["scopes"],
            ttl=timedelta(days=days) if days else None,
            proved_at=proved_at(request),
        )
        shown = shapes.TokenShape(row).data | {"secret": secret}
        return Response(shown, status=201)


class TokenOne(Endpoint):
    """One of the caller's keys."""

    session_only = True
    throttles = {"GET": "read", "HEAD": "read", "DELETE": "read"}

    @operation("token_read", answer=shapes.TokenShape, tag="account", auth=SESSION)
    def get(self, request: Request, token_id: str) -> Response:
        """Return an own key."""
        return Response(shapes.TokenShape(access.token_of(trader_of(request), token_id)).data)

    @operation("token_revoke", answer=None, status=204, tag="account", auth=SESSION)
    def delete(self, request: Request, token_id: str) -> Response:
        """Revoke an own key at once and for good; doing it again changes nothing."""
        tokens.revoke(token=access.token_of(trader_of(request), token_id))
        return Response(status=204)
