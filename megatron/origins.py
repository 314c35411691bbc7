"""Refuses websockets from other sites: a browser sends our cookies whoever's page opens one."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOriginOnly:
    """Lets a handshake through whose Origin is this very host, or one that is listed as trusted.

    A missing Origin is refused too; programs that are not browsers can send one.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Pass the connection on, or close it before it opens."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if is_ours(origin, host):
            return await self.inner(scope, receive, send)
        denier = WebsocketDenier()
        return await denier(scope, receive, send)


def is_ours(origin: str, host: str) -> bool:
    """Say whether a page at `origin` may open a socket at `host`."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    domain, _ = split_domain_port(host)
    same = origin in {f"http://{host}", f"https://{host}"}
    return bool(same and domain and validate_host(domain, settings.ALLOWED_HOSTS))
