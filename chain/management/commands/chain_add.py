"""manage.py chain_add: make a network that is known by name, as arbitrum or base, a row."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.errors import NodeFault
from chain.services import network_add


class Command(BaseCommand):
    """Its terms come from a file; where its nodes are, from variables that are named here."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name and the references."""
        parser.add_argument("name", choices=sorted(network_add.known()))
        parser.add_argument(
            "--endpoint", action="append", default=[], metavar="env:NAME", help="once for each"
        )
        parser.add_argument("--heads", default="", metavar="env:NAME", help="a WebSocket")
        parser.add_argument(
            "--alone", action="store_true", help="take one endpoint's word, which nobody compares"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at every endpoint, and make the row."""
        try:
            row = network_add.network_add(
                name=options["name"],
                references=options["endpoint"],
                heads=options["heads"],
                alone=options["alone"],
            )
        except (ValueError, NodeFault) as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(
            f"{row.name} ({row.chain_id}) is read from block {row.start_block} on; for withdrawals"
            f" go on with: manage.py chain_wallet {row.chain_id}"
        )
