"""The limits on requests (`exchange.limits`) as the framework of the API asks for them."""

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from exchange.limits import take
from exchange.models import Participant

if TYPE_CHECKING:  # the framework loads this module while it loads its views
    from rest_framework.views import APIView


class ScopeThrottle(BaseThrottle):
    """Counts a request against its account and its address under the view's scope for the verb.

    Who takes part in a session by its token is counted alone: a hall has one address.
    """

    waited_s: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Return False when either limit is reached. Raises Unavailable without Redis."""
        scope = getattr(view, "throttles", {}).get(request.method)
        if scope is None:
            return True
        address = None if isinstance(request.auth, Participant) else self.get_ident(request)
        account = request.user.pk if request.user.is_authenticated else None
        self.waited_s = take(scope, address, account)
        return self.waited_s is None

    def wait(self) -> float | None:
        """Return the seconds until the next request may come, at least one."""
        return None if self.waited_s is None else max(1.0, self.waited_s)
