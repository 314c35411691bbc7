"""Compares an engine with a file of reference cases of either market. Needs no database."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange import golden


class Command(BaseCommand):
    """Print each difference, then how many cases agree; fail unless all do."""

    help = "Run the reference cases of FILE, of either market, and print each difference."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the cases and report."""
        content = json.loads(options["file"].read_text())
        cases = content["cases"]
        passed = 0
        for case in cases:
            differences = golden.run(case, content["defaults"])
            passed += not differences
            for d in differences:
                self.stdout.write(f"{d.case} {d.path}: expected {d.expected}, got {d.got}")
        self.stdout.write(f"{passed} of {len(cases)}")
        if passed != len(cases):
            raise CommandError("the engine and the cases differ", returncode=1)
