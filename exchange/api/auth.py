"""Who calls: a token in the Authorization header. Sessions with CSRF are the framework's own."""

from datetime import timedelta

from django.db.models import Q
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from exchange import clock
from exchange.models import ApiToken, User
from exchange.services import tokens

SCHEME = "bearer"
SECRET_MAX = 100
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """Authorization: Bearer mgt_…; the secret is looked up by its digest and kept nowhere."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's owner, or None where the caller presents no token."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        token = _usable(secret.strip())
        if token is None:
            raise AuthenticationFailed(
                "this token is unknown, expired or revoked", code="token_invalid"
            )
        _note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate, which makes the answer a 401 and not a 403."""
        return "Bearer"


def _usable(secret: str) -> ApiToken | None:
    if not secret.startswith(tokens.PREFIX) or len(secret) > SECRET_MAX:
        return None
    row = ApiToken.objects.select_related("user").filter(digest=tokens.digest(secret)).first()
    if row is None or row.revoked_at is not None or not row.user.is_active:
        return None
    if row.expires_at is not None and row.expires_at <= clock.now():
        return None
    return row


def _note_use(token: ApiToken) -> None:
    """Write the time of use at most once a minute, so that reading does not become writing."""
    now = clock.now()
    if token.last_used_at is not None and token.last_used_at > now - USE_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
