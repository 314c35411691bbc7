"""manage.py audit: recompute the books and compare. Exit 1 on any finding."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from exchange.services import audit


class Command(BaseCommand):
    """Examine the ledger and every market."""

    help = "Recompute the ledger from its entries and compare; exit 1 on any finding."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding as JSON, then the verdict."""
        run = audit.run()
        for finding in run.findings:
            self.stdout.write(json.dumps(finding, default=str))
        verdict = "clean" if run.ok else f"{run.figures['findings']} findings"
        self.stdout.write(f"audit {run.pk}: {verdict}, {run.figures['checks']} checks")
        if not run.ok:
            sys.exit(1)
