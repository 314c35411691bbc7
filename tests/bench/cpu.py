"""Processor time of a PostgreSQL server: its processes and those that ended meanwhile."""

import contextlib

import psutil  # type: ignore[import-untyped]  # it ships no types
from django.db import connection


class Meter:
    """Counts the processor seconds of the server this process is connected to."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone() or (0,)
        self._postmaster = self._parent_of(pid)

    @staticmethod
    def _parent_of(pid: int) -> psutil.Process | None:
        """Find the postmaster, unless the server runs on another machine."""
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(pid).parent()
            if parent is not None and "postgres" in parent.name():
                return parent
        return None

    @property
    def works(self) -> bool:
        """Say whether the server's processes can be seen from here."""
        return self._postmaster is not None

    def seconds(self) -> float:
        """Return what the server has used since it started."""
        if self._postmaster is None:
            return 0.0
        while True:
            children = self._postmaster.children()
            own = self._postmaster.cpu_times()
            total = own.user + own.system + own.children_user + own.children_system
            for child in children:
                with contextlib.suppress(psutil.Error):
                    times = child.cpu_times()
                    total += times.user + times.system
            # a process that ended in between would be counted twice or not at all
            if self._postmaster.children() == children:
                return float(total)
