"""Runs the development chain: an Ethereum node of our own on loopback, contracts and faucet in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.devnet.command import add_arguments, options_of
from chain.devnet.journal import JournalBroken
from chain.devnet.server import serve


class Command(BaseCommand):
    """Serve until told to stop."""

    help = __doc__
    # It has no tables and starts before the database does.
    requires_system_checks: tuple[()] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the choices of the stand-alone command line."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        try:
            serve(options_of(options), ready=lambda url: self._say(f"Listening on {url}"))
        except (JournalBroken, OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
