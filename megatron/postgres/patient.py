"""A connection that waits for no answer longer than it may.

The server's own limits end a statement that takes too long, but not the wait of a client whose
server is cut off and says nothing at all; neither does the kernel on a Unix socket.
"""

import math
import select
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from psycopg.abc import PQGen

from exchange import patience

LOOK_UP_S = 0.1
Result = TypeVar("Result")


class PatientConnection(psycopg.Connection[Any]):
    """Ends itself when an answer does not come in time: what it may still say is not to be used."""

    def wait(
        self, gen: PQGen[Result], interval: float = LOOK_UP_S, timeout: float | None = None
    ) -> Result:
        """Wait for what `gen` wants from the server. Raises OperationalError when out of time."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        with patience.waiting(settings.DB_ANSWER_S_MAX) as seconds:
            try:
                return super().wait(gen, interval, None if math.isinf(seconds) else seconds)
            except psycopg.errors._WaitTimeout as silence:  # noqa: SLF001 (documented at `wait`)
                # Closing it rolls back on the server, whenever the server hears of it.
                self.pgconn.finish()
                raise psycopg.OperationalError("the database did not answer in time") from silence

    @property
    def is_stale(self) -> bool:
        """Say whether the server spoke while nobody asked, which means that it ended the session.

        Anything else it may say unasked only costs a connection that was still good.
        """
        if self.closed:
            return True
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))
