"""Runs one benchmark against the stores of its environment and prints its line.

`manage.py bench` starts this as a child with stores of its own; by itself it would fill whatever
DATABASE_URL names.
"""

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path

import django
from django.core.management import call_command

from megatron import embedded
from tests.bench.figures import line

NAMES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if "\ndef measure(" in path.read_text()
)


def main() -> None:
    """Set Django up, make the tables, measure, print."""
    parser = argparse.ArgumentParser(prog="tests.bench")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--size", choices=("tiny", "quick", "full"), default="full")
    parser.add_argument("--store", default="", help="what to call the store in the cases")
    asked = parser.parse_args()
    embedded.tie_to_parent(signal.SIGTERM)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "megatron.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    bench = importlib.import_module(f"tests.bench.{asked.name}")
    sys.stdout.write(line(asked.name, bench.measure(asked.size, asked.store)) + "\n")


if __name__ == "__main__":
    main()
