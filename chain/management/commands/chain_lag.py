"""manage.py chain_lag: how far each network is read, compared and credited, and its endpoints."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chain.models import ScanState
from chain.services import lag


class Command(BaseCommand):
    """Tell, and fail where a network is further behind than it may be."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how far behind is too far."""
        parser.add_argument("--most-s", type=int, help="exit with 1 if a network is further behind")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask every endpoint and say what each network's lines are."""
        most_s, late = options["most_s"], 0
        states = ScanState.objects.select_related("network").filter(network__is_enabled=True)
        for state in states.order_by("network"):
            found = lag.lag_of(state)
            late += most_s is not None and found.seconds_behind > most_s
            self.stdout.write(f"{state.network} ({state.network.chain_id}): {lag.in_words(found)}")
            for line in lag.endpoints_in_words(state.network):
                self.stdout.write(f"  {line}")
        if late:
            raise SystemExit(1)
