"""The backend that settings name; Django finds it by this module's name."""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg import IsolationLevel

from exchange import clock, patience
from megatron.postgres.patient import PatientConnection


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, whose connections are patient ones."""

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> PatientConnection:
        """Return a living connection, from the pool if there is one, without waiting for long."""
        self.isolation_level = IsolationLevel.READ_COMMITTED
        with patience.waiting(settings.DB_POOL_WAIT_S_MAX) as seconds:
            if not self.pool:
                return PatientConnection.connect(**conn_params)
            self.pool.open()
            deadline = clock.monotonic() + seconds
            while True:
                taken: PatientConnection = self.pool.getconn(deadline - clock.monotonic())
                # A session that the server has ended would fail its first statement. To look at
                # the socket costs nothing, to ask the server would cost a round trip each time.
                if not taken.is_stale:
                    return taken
                taken.close()
                self.pool.putconn(taken)
