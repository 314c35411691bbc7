"""manage.py chain_prove: publish a proof of reserves now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chain.errors import NodeFault
from chain.services import reserves


class Command(BaseCommand):
    """Publish what is owed and held; fail where something is missing."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Prove and say what was found."""
        try:
            proof = reserves.prove()
        except NodeFault as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(
            f"owed {proof.liabilities_micro}, held {proof.holdings_micro},"
            f" short {proof.shortfall_micro} micro-USDC; root {proof.root}"
        )
        if proof.shortfall_micro:
            raise SystemExit(1)
