"""manage.py seed: make the demonstration and print its log-ins."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from megatron.demo import people, seeding


class Command(BaseCommand):
    """Create the demonstration once; say who can log in."""

    help = "Create the demonstration's markets and people; does nothing to what is there."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept --json for programs."""
        parser.add_argument("--json", action="store_true", help="print the log-ins as JSON only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, then print."""
        if not people.allowed():
            self.stderr.write("this is no demonstration: set MEGATRON_DEMO=1 to make it one")
            return
        quiet = bool(options["json"])
        logins = seeding.seed(self.stderr.write if quiet else self.stdout.write)
        if quiet:
            self.stdout.write(json.dumps(logins))
            return
        if not options["verbosity"]:
            return
        for login in logins:
            self.stdout.write(f"  {login['role']:<7} {login['email']}  {login['password']}")
