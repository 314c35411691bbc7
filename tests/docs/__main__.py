"""Writes what the scenarios compute into the blocks of docs/MATCHING.md."""

import importlib
import os
import sys

import django

from tests.docs import document


def main() -> None:
    """Set Django up, because a rule of the exchange is quoted, and write the page anew."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "megatron.settings")
    django.setup()
    scenarios = importlib.import_module("tests.docs.scenarios").SCENARIOS
    text = document.PATH.read_text()
    unknown = {name for name, _ in document.blocks(text)} ^ set(scenarios)
    if unknown:
        sys.exit(f"blocks without a scenario, or scenarios without a block: {sorted(unknown)}")
    contents = {name: scenario() for name, scenario in scenarios.items()}
    document.PATH.write_text(document.filled_in(text, contents))


if __name__ == "__main__":
    main()
