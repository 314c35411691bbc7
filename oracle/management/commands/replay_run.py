"""`manage.py replay_run RUN` or `--market SLUG`: read stored evidence again, compare every bit."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange import figures
from exchange.engines.units import PICO
from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.selectors import access as markets
from oracle.analysts.here import use_best
from oracle.models import Evidence
from oracle.models.runs import PREFIX
from oracle.selectors import access
from oracle.services.reading import EvidenceChanged
from oracle.services.replay import replay
from oracle.services.walks import Stride, walk


class Command(BaseCommand):
    """Prints the stored and the recomputed hash; exits with 1 unless they are the same."""

    help = "Recompute a run's reports from stored evidence and compare the hashes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run by its public id or its number in the table."""
        parser.add_argument("run", nargs="?", default="")
        parser.add_argument("--market", default="", help="walk every run of a market, and its F")
        parser.add_argument("--moves", action="store_true", help="name what stood behind each")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay one run, or all of a market's."""
        if bool(options["run"]) == bool(options["market"]):
            raise CommandError("name one run, or a market")
        use_best()
        if options["market"]:
            self._walk(options["market"], names=options["moves"])
        else:
            self._replay(str(options["run"]))

    def _walk(self, slug: str, *, names: bool) -> None:
        runs = moved = stories = 0
        wrong: list[str] = []
        try:
            for stride in walk(markets.market(slug)):
                runs += 1
                moved += stride.before_pico != stride.after_pico
                stories += len(stride.pushed)
                if not (stride.is_identical and stride.is_named):
                    wrong.append(stride.run.public_id)
                if names and stride.before_pico != stride.after_pico:
                    self.stdout.write(_line(stride))
        except (NotFound, EvidenceChanged) as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(
            f"{runs} runs, {moved} moved F, {stories} stories behind them; {len(wrong)} differ"
        )
        if wrong:
            raise CommandError(f"the replay differs first in {wrong[0]}", returncode=1)
        self.stdout.write("identical")

    def _replay(self, name: str) -> None:
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


def _line(stride: Stride) -> str:
    """Return a move with the titles of the stories behind it."""
    heads = Evidence.objects.filter(cluster_id__in=stride.pushed, is_head=True)
    causes = [*heads.order_by("cluster_id").values_list("title", flat=True)]
    causes += [f"number {key}" for key in stride.numbers]
    causes += [f"forecast {key}" for key in stride.outside]
    before, after = (
        figures.trimmed(price, PICO, 2, 6) for price in (stride.before_pico, stride.after_pico)
    )
    return f"{stride.run.public_id} {before} -> {after}: {'; '.join(causes)}"
