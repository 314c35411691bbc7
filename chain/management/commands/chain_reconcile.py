"""manage.py chain_reconcile: each address's balance on the chain against what arrived there."""

from typing import Any

from django.core.management.base import BaseCommand

from chain.services import reconcile


class Command(BaseCommand):
    """Compare, and fail where an address differs; the log names it."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare every network."""
        different = reconcile.reconcile_all()
        self.stdout.write(f"{different} addresses differ")
        if different:
            raise SystemExit(1)
