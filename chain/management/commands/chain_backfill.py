"""manage.py chain_backfill: read a range of final blocks again and keep what was missed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.clients import endpoints
from chain.errors import NodeFault
from chain.models import Network
from chain.services import backfills
from exchange.errors import Refused


class Command(BaseCommand):
    """Nothing that is known changes; what is new is credited by the next step of the scan."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the network's chain id and the range."""
        parser.add_argument("chain_id", type=int)
        parser.add_argument("first", type=int)
        parser.add_argument("last", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the range and say what was found."""
        network = Network.objects.filter(chain_id=options["chain_id"]).first()
        if network is None:
            raise CommandError("there is no such network")
        try:
            row = backfills.run(
                network, endpoints.nodes_of(network), options["first"], options["last"]
            )
        except (NodeFault, Refused) as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(f"{row.logs} transfers, {row.hits} to us, {row.new} new")
