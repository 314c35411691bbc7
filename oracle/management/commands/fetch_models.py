"""`manage.py fetch_models [NAME …]`: bring the weights of readers, or say if they are whole."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.errors import MegatronError
from oracle.analysts import generator, weights
from oracle.services import models, pins

STEP_PERCENT = 10


class Command(BaseCommand):
    """Fetches what is missing; with --check nothing is fetched."""

    help = "Fetch the weights of the oracle's readers once, with checksums."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the models; without any the ones that the settings ask for."""
        parser.add_argument("names", nargs="*")
        parser.add_argument("--hub", default=models.HUB, help="another server of the same form")
        parser.add_argument("--from", dest="source", type=Path, help="a folder with one model")
        parser.add_argument("--check", action="store_true", help="compare with sums and pins")
        parser.add_argument(
            "--pin", action="store_true", help="take what is there now for right, for ever after"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Fetch or check each model."""
        names = options["names"] or ["classifier", "nli", generator.model_name()]
        if options["source"] and len(names) != 1:
            raise CommandError("a folder holds one model; name it")
        for name in names:
            if options["check"]:
                self._check(name)
            else:
                self._bring(name, options)

    def _bring(self, name: str, options: dict[str, Any]) -> None:
        asked = {"pin": options["pin"], "progress": self._progress()}
        try:
            if options["source"]:
                place = models.copy_model(name, options["source"], **asked)
            else:
                place = models.fetch_model(name, hub=options["hub"], **asked)
        except MegatronError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{name}: {place}, {weights.sums12(name)}")

    def _check(self, name: str) -> None:
        if bad := weights.damaged(name):
            raise CommandError(f"{name} is not whole: {', '.join(bad)}", returncode=1)
        try:
            bad = pins.unlike(name, weights.CATALOGUE[name], pins.sums_of(name))
        except pins.LockBroken as error:
            raise CommandError(str(error)) from error
        if bad:
            raise CommandError(f"{name} is not what was pinned: {', '.join(bad)}", returncode=1)
        self.stdout.write(f"{name}: whole, {weights.sums12(name)}")

    def _progress(self) -> models.Progress:
        """Return what says how far a file is, in steps that a log can bear."""
        shown: dict[str, int] = {}

        def say(file: str, size: int, total: int) -> None:
            percent = 100 * size // total if total else 0
            if percent >= shown.get(file, -1) + STEP_PERCENT or (total and size == total):
                shown[file] = percent
                self.stdout.write(f"  {file}: {size >> 10} KiB{f', {percent} %' if total else ''}")

        return say
