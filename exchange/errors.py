"""Every error a caller can meet, with its stable code, HTTP status and fields.

MegatronError
├── Refused                 the caller's doing; safe to show; never retried
│   ├── Malformed           400  malformed, money_malformed, key_missing, key_malformed, …
│   ├── NotSignedIn         401  not_signed_in, token_invalid
│   ├── NotAllowed          403  not_allowed, scope_missing
│   ├── NotFound            404  not_found (also for "exists, but not yours")
│   ├── Conflict            409  key_reused
│   ├── Unprocessable       422  every rejection code of an engine, market_halted
│   └── TooMany             429  too_many
├── Unavailable             503  the world's doing; retried with jitter: busy, store_down
└── InvariantBroken         500  our doing; halts the market: invariant_broken

One shape for API, page and socket: {"error": {"code", "message", "fields", "request_id"}}.
"""

from collections.abc import Mapping
from typing import ClassVar

Field = str | int | bool | None | list[str]


class MegatronError(Exception):
    """Root of the tree. `code` is stable and never reused; `fields` are the numbers behind it."""

    code: str = "error"
    http_status: ClassVar[int] = 500

    def __init__(
        self, message: str, *, code: str | None = None, fields: Mapping[str, Field] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.fields: dict[str, Field] = dict(fields or {})


class Refused(MegatronError):
    """The caller asked for something that cannot be; asking again changes nothing."""

    code = "refused"
    http_status = 400


class Malformed(Refused):
    """The request does not follow the grammar."""

    code = "malformed"
    http_status = 400


class NotSignedIn(Refused):
    """Nobody is signed in, or the token is not one of ours."""

    code = "not_signed_in"
    http_status = 401


class NotAllowed(Refused):
    """The caller is known and lacks the right."""

    code = "not_allowed"
    http_status = 403


class NotFound(Refused):
    """There is no such thing, or it is somebody else's."""

    code = "not_found"
    http_status = 404


class Conflict(Refused):
    """The request contradicts one that came before."""

    code = "conflict"
    http_status = 409


class Unprocessable(Refused):
    """The request is well formed and the market or the ledger refuses it.

    A market's refusal is an answer like any other: `command_id` is the command that keeps it, and
    `replayed` says that it was given before under the same key.
    """

    code = "unprocessable"
    http_status = 422
    command_id: int | None = None
    replayed: bool = False


class TooMany(Refused):
    """A limit on the rate of requests; `retry_after_s` says when to come back."""

    code = "too_many"
    http_status = 429


class Unavailable(MegatronError):
    """The world's doing: try again with the same key."""

    code = "unavailable"
    http_status = 503


class InvariantBroken(MegatronError):
    """Our own defect. Never caught below the edge; the market it concerns is halted."""

    code = "invariant_broken"
    http_status = 500
