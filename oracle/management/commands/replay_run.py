"""`manage.py replay_run RUN`: read a run's stored evidence again and compare, bit for bit."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.errors import NotFound
from exchange.ids import key_of
from oracle.analysts.here import use_best
from oracle.models.runs import PREFIX
from oracle.selectors import access
from oracle.services.reading import EvidenceChanged
from oracle.services.replay import replay


class Command(BaseCommand):
    """Prints the stored and the recomputed hash; exits with 1 unless they are the same."""

    help = "Recompute a run's reports from stored evidence and compare the hashes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run by its public id or its number in the table."""
        parser.add_argument("run")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay one run."""
        use_best()
        name = str(options["run"])
        try:
            run = access.run_by_key(int(name) if name.isdigit() else key_of(PREFIX, name))
        except NotFound as error:
            raise CommandError(error.message) from error
        if not run.reports_sha256:
            raise CommandError(f"{run.public_id} ended before anything was read")
        try:
            outcome = replay(run)
        except EvidenceChanged as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{run.public_id} stored   {outcome.stored_sha256}")
        self.stdout.write(f"{run.public_id} replayed {outcome.replayed_sha256}")
        for change in outcome.version_changes:
            self.stdout.write(f"changed: {change}")
        if not outcome.is_identical:
            raise CommandError("the replay differs", returncode=1)
        self.stdout.write("identical")
