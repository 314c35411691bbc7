"""Keys to the API: made once, shown once, kept as a digest, revoked for good."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from exchange import clock
from exchange.errors import Malformed, Unprocessable
from exchange.models import ApiToken, User
from exchange.services import letters, proofs

PREFIX = "mgt_"
SECRET_BYTES = 32
SHOWN_CHARACTERS = 12
NAME_MAX = 60
TOKENS_MAX = 20
TTL_MAX = timedelta(days=366)

# What a token may do. Withdrawing is never part of a token unless it was asked for by name.
SCOPES = ("read", "trade", "withdraw", "forecast")
WITHDRAW = "withdraw"
# So long the owner has to read the letter and to revoke what somebody else made.
WITHDRAWS_AFTER = timedelta(hours=24)


@transaction.atomic
def create(
    *,
    user: User,
    name: str,
    scopes: Sequence[str],
    ttl: timedelta | None = None,
    proved_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which is kept nowhere.

    One that may withdraw asks for what a withdrawal asks for: `proved_at` is when the owner last
    gave a password or a second factor once more. The owner is written to.

    Raises:  Malformed for a name or a scope that does not exist; NotAllowed step_up_needed;
             Unprocessable token_limit.
    """
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise Malformed(
            f"a token's name has 1 to {NAME_MAX} characters", fields={"name": name[:80]}
        )
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Malformed(
            f"scopes are one or more of {', '.join(SCOPES)}", fields={"scopes": unknown}
        )
    if ttl is not None and not timedelta() < ttl <= TTL_MAX:
        raise Malformed(f"a token lives at most {TTL_MAX.days} days", fields={"ttl": str(ttl)})
    if WITHDRAW in scopes:
        proofs.require_fresh(proved_at)
    if user.api_tokens.filter(revoked_at=None).count() >= TOKENS_MAX:
        raise Unprocessable(
            f"{TOKENS_MAX} tokens are in use; revoke one first",
            code="token_limit",
            fields={"tokens_max": TOKENS_MAX},
        )
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:SHOWN_CHARACTERS],
        digest=digest(secret),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=clock.now() + ttl if ttl else None,
    )
    if WITHDRAW in token.scopes:
        _tell(token)
    return token, secret


def withdraws_from(token: ApiToken) -> datetime:
    """Return from when a token with the scope may withdraw."""
    return token.created_at + WITHDRAWS_AFTER


def revoke(*, token: ApiToken) -> bool:
    """End a token at once. Return False when it was revoked before."""
    revoked = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())
    return revoked == 1


def _tell(token: ApiToken) -> None:
    letters.write(
        token.user,
        "A token that may withdraw was made",
        f"The API token {token.name} ({token.prefix}…) may withdraw to the addresses of your book"
        f" from {withdraws_from(token):%d %b %Y %H:%M} UTC on.",
        "If this was not you, revoke the token under Account now, and change your password.",
    )


def digest(secret: str) -> bytes:
    """Return what is stored of a secret: it has enough chance in it to need no salt."""
    return hashlib.sha256(secret.encode()).digest()
