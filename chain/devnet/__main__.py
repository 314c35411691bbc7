"""Starts the development chain alone: python -m chain.devnet."""

import argparse
import sys

from chain.devnet.command import add_arguments, options_of
from chain.devnet.journal import JournalBroken
from chain.devnet.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m chain.devnet", description=__doc__)
    add_arguments(parser)
    chosen = parser.parse_args(arguments)
    try:
        serve(options_of(vars(chosen)), ready=_say)
    except (JournalBroken, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(url: str) -> None:
    sys.stdout.write(f"Listening on {url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
