"""The addresses of ours that a scan looks for, as the 32-byte topics that logs carry.

Every address that was ever made is watched, shown or not, so that none is missed for being new.
"""

from dataclasses import dataclass, field

from chain.models import DepositAddress
from chain.services.addresses import POOL

PAD = "0x" + "00" * 12


def topic_of(address: str) -> str:
    """Return an address as a log's topic."""
    return PAD + address[2:]


@dataclass(slots=True)
class Watched:
    """A growing set, kept by whoever scans."""

    topics: set[str] = field(default_factory=set)
    _last: int = 0

    def refresh(self) -> "Watched":
        """Take in what was made since.

        Rows are made under one lock and in order; a margin covers those of an open transaction.
        """
        rows = DepositAddress.objects.filter(pk__gt=self._last - 2 * POOL).order_by("pk")
        for pk, address in rows.values_list("pk", "address"):
            self.topics.add(topic_of(address))
            self._last = max(self._last, pk)
        return self
