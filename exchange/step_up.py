"""How lately the person behind a session proved to be its owner."""

from datetime import datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from exchange import clock


def proved_at(request: HttpRequest) -> datetime | None:
    """Return when the session's owner last gave a password or a second factor once more."""
    records = get_authentication_records(request, request.user)
    times = [record["at"] for record in records if record.get("reauthenticated")]
    return clock.at(int(max(times))) if times else None
