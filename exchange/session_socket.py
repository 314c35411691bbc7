"""The websocket of a session: its ticks by its code, and a participant's own news."""

import json

from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection

from exchange import clock
from exchange.consumers import CLOSE_SIGNED_OUT, FRAME_LENGTH_MAX, MarketConsumer
from exchange.errors import NotFound
from exchange.fanout import Place
from exchange.guests import cookie_name
from exchange.models import LiveState, Participant
from exchange.selectors.outcome import access
from exchange.services.tokens import digest


class SessionConsumer(MarketConsumer):
    """One browser or program looking at one session.

    Who takes part without an account is known by the cookie of their token; a program may send
    {"token": "mgp_..."} as a frame instead. Whoever has the code may look.
    """

    def __init__(self) -> None:
        super().__init__()
        self.code = ""
        self.participant_id: int | None = None

    async def asked_for(self) -> list[Place]:
        """Return the session's code. Raises DenyConnection where there is none."""
        self.code = str(self.scope["url_route"]["kwargs"]["code"])
        try:
            await database_sync_to_async(access.session)(self.code)
        except NotFound as missing:
            raise DenyConnection from missing
        return [self.code]

    async def connect(self) -> None:
        """Accept, subscribe, send where the session stands; know a guest by their cookie."""
        await super().connect()
        secret = self.scope.get("cookies", {}).get(cookie_name(self.code))
        if secret and self.user_id is None:
            await self._enter(secret)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Read an acknowledgement or a participant's token."""
        secret = _token(text_data)
        if secret is None:
            await super().receive(text_data, bytes_data)
        elif not await self._enter(secret):
            await self.end(CLOSE_SIGNED_OUT)

    async def still_signed_in(self) -> bool:
        """A guest stays for as long as their part in the session does."""
        if self.participant_id is None:
            return await super().still_signed_in()
        rows = Participant.objects.filter(pk=self.participant_id, user__is_active=True)
        return await rows.aexists()

    def snapshot(self) -> str:
        """Return where the session stands."""
        live = LiveState.objects.select_related("market").get(market__session__code=self.code)
        body = {
            "type": "snapshot",
            "server_ms": clock.now_ms(),
            "session": self.code,
            "status": live.market.status,
            "seq": live.batch_seq,
            "tick": live.last_tick,
        }
        return json.dumps(body)

    async def _enter(self, secret: str) -> bool:
        found = await database_sync_to_async(access.participant_by_digest)(digest(secret))
        if found is None or found.session.code != self.code:
            return False
        self.participant_id = found.pk
        await self.become(found.user_id)
        return True


def _token(text: str | None) -> str | None:
    """Return the token that a frame presents, or None where it is something else."""
    if text is None or len(text) > FRAME_LENGTH_MAX or '"token"' not in text:
        return None
    try:
        secret = json.loads(text)["token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return secret if isinstance(secret, str) else None
