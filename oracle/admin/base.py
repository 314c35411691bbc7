"""What several tables of the oracle share."""

from django.http import HttpRequest

from exchange import figures
from exchange.admin.base import ReadOnly
from exchange.engines.units import MICRO


class Reached(ReadOnly):
    """A table that another one links to, by a filter that is not in its list of filters."""

    reached_by = ""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the link."""
        return lookup == self.reached_by or super().lookup_allowed(lookup, value, request)


def usd(micro: int) -> str:
    """Write micro-USD as USD."""
    return f"{figures.trimmed(int(micro), MICRO, 2, 6)} USD"
