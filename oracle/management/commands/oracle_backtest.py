"""`manage.py oracle_backtest MARKET --from DAY --to DAY`: play the past and write the card."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.errors import MegatronError
from exchange.selectors import access
from oracle.analysts.here import use_best
from oracle.models import Card
from oracle.services import cards


class Command(BaseCommand):
    """Prints the card that it stores."""

    help = "Run a market's oracle as of each moment of a past period and keep its report card."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the market's slug, the period, and how far apart the runs are."""
        parser.add_argument("market")
        parser.add_argument("--from", dest="start", required=True, help="a day or an instant")
        parser.add_argument("--to", dest="end", required=True)
        parser.add_argument("--every", type=int, default=86_400, help="seconds between runs")
        parser.add_argument("--horizon", type=int, default=cards.HORIZON_S, help="seconds")

        parser.add_argument(
            "--lived", action="store_true", help="judge the runs that happened; play none"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make one card."""
        use_best()
        try:
            made = self._made(options)
        except MegatronError as error:
            raise CommandError(error.message) from error
        for line in _lines(made):
            self.stdout.write(line)

    def _made(self, options: dict[str, Any]) -> Card:
        period = {
            "market_id": access.market(options["market"]).pk,
            "start": _moment(options["start"]),
            "end": _moment(options["end"]),
            "horizon_s": options["horizon"],
        }
        if options["lived"]:
            return cards.card_of_runs(**period)
        return cards.card_make(**period, step_s=options["every"])


def _moment(words: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words)
    except ValueError as error:
        raise CommandError(f"{words!r} is no day and no instant") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lines(made: Card) -> list[str]:
    head = (
        f"{made}: {made.runs} runs, {made.applied} applied, {made.moved} moved F,"
        f" {made.stories} stories, {made.latency_ms} ms a run,"
        f" {_number(made.cost_micro_day, 6, 2)} USD a day"
    )
    lines = [
        head,
        f"{'of':<24}{'claims':>8}{'judged':>8}{'hit %':>8}{'95 %':>16}{'usual %':>9}{'Brier':>8}",
    ]
    lines[1] += f"{'error %':>10}{'CRPS %':>10}{'of zero %':>11}"
    for row in made.rows.order_by("of", "name"):
        span = f"{_share(row.low_e8)} to {_share(row.high_e8)}"
        figures = (
            f"{row.of + ' ' + row.name:<24}{row.claims:>8}{row.judged:>8}{_share(row.hit_e8):>8}",
            f"{span:>16}{_share(row.usual_e8):>9}{_number(row.brier_e8, 8, 3):>8}",
            f"{_number(row.error_pico, 10, 3):>10}{_number(row.crps_pico, 10, 3):>10}",
            f"{_number(row.zero_pico, 10, 3):>11}",
        )
        lines.append("".join(figures))
    return lines


def _share(value_e8: int | None) -> str:
    return _number(value_e8, 6, 1)


def _number(value: int | None, places: int, shown: int) -> str:
    return "-" if value is None else f"{value / 10**places:.{shown}f}"
