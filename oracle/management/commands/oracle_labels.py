"""`manage.py oracle_labels FILE`: how the readers agree with headlines that people judged."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.errors import MegatronError
from oracle.analysts.here import use_best
from oracle.services.labelled import Labelled, labelled


class Command(BaseCommand):
    """Prints one line per reader that can run here."""

    help = "Score every reader of text against a CSV file with Sentence and Sentiment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file and, optionally, the readers."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--reader", action="append", default=[])

    def handle(self, *_args: Any, **options: Any) -> None:
        """Score the readers."""
        use_best()
        try:
            found = labelled(options["file"], options["reader"])
        except MegatronError as error:
            raise CommandError(error.message) from error
        for one in found:
            self.stdout.write(_line(one))


def _line(one: Labelled) -> str:
    score = one.score
    count = max(1, score.verdicts)
    hit, low, high = ((value or 0) / 10**6 for value in (score.hit_e8, score.low_e8, score.high_e8))
    return (
        f"{one.reader} ({one.version}): {100 * score.agreed / count:.1f} % of {score.verdicts}"
        f" labels, the usual label {100 * one.usual / count:.1f} %; of {score.judged} directions"
        f" {hit:.1f} % right ({low:.1f} to {high:.1f}), Brier {(score.brier_e8 or 0) / 10**8:.3f};"
        f" {one.milliseconds} ms"
    )
