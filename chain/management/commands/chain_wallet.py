"""manage.py chain_wallet: make the signer's key the one that pays on a network."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.clients import endpoints
from chain.clients import signer as signers
from chain.core.addresses import fault_of
from chain.errors import NodeFault, SignerFault
from chain.hashing import checksummed, keccak256
from chain.models import Network
from chain.services import wallets


class Command(BaseCommand):
    """The first key of a network, or the one that comes after a key was suspected."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the network's chain id and where its excess goes."""
        parser.add_argument("chain_id", type=int)
        parser.add_argument("--treasury", default="", help="EIP-55; empty: as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask the signer for its address and the chain for its first free nonce."""
        network = Network.objects.filter(chain_id=options["chain_id"]).first()
        if network is None:
            raise CommandError("there is no such network")
        treasury = options["treasury"]
        if treasury and (fault := fault_of(treasury, keccak256)):
            raise CommandError(f"the treasury's address is refused: {fault}")
        try:
            row = wallets.wallet_set(
                network=network,
                nodes=endpoints.nodes_of(network),
                signer=signers.configured(),
                treasury=treasury.lower(),
            )
        except (NodeFault, SignerFault) as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(f"{checksummed(row.address)} pays from nonce {row.next_nonce} on")
