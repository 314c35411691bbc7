"""manage.py audit [--full]: recompute the books and compare. Exit 1 on any finding."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from exchange.services import audit


class Command(BaseCommand):
    """Examine the ledger and every market."""

    help = "Recompute the ledger from its entries and compare; exit 1 on any finding."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer the whole of history."""
        parser.add_argument(
            "--full",
            action="store_true",
            help="read everything from the first entry and settle every command log again, "
            "not only what is new since the newest clean audit",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding as JSON, then the verdict."""
        run = audit.run(full=options["full"])
        for finding in run.findings:
            self.stdout.write(json.dumps(finding, default=str))
        verdict = "clean" if run.ok else f"{run.figures['findings']} findings"
        kind = "full audit" if run.full else "audit"
        self.stdout.write(f"{kind} {run.pk}: {verdict}, {run.figures['checks']} checks")
        if not run.ok:
            sys.exit(1)
