"""What a caller may do: anything of its own when signed in, and by token what its scopes say."""

from typing import ClassVar, Protocol, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from exchange.errors import NotAllowed, NotSignedIn
from exchange.models import ApiToken


class Guarded(Protocol):
    """What a view says about who may call it."""

    public: ClassVar[frozenset[str]]
    scopes: ClassVar[dict[str, str]]
    session_only: ClassVar[bool]


class ScopeRequired(BasePermission):
    """Let in whoever is signed in; a token also needs the scope of the verb."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True, or raise NotSignedIn or NotAllowed with the scope that is missing."""
        guarded, method = cast("Guarded", view), request.method or ""
        if method in guarded.public:
            return True
        if not request.user.is_authenticated:
            raise NotSignedIn("sign in or present a token")
        if not isinstance(request.auth, ApiToken):
            return True
        if guarded.session_only:
            raise NotAllowed("a token may not do this; sign in")
        scope = guarded.scopes.get(method, "")
        if scope and scope not in request.auth.scopes:
            raise NotAllowed(
                f"this token lacks the scope {scope!r}",
                code="scope_missing",
                fields={"scope": scope},
            )
        return True
