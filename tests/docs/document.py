"""Reads and writes the blocks of docs/MATCHING.md that scenarios compute."""

import re
from collections.abc import Mapping
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "docs" / "MATCHING.md"
BLOCK = re.compile(r"<!-- scenario: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the name and the content of each block, in the order of the page."""
    return [(name, body.strip("\n")) for name, body in BLOCK.findall(text)]


def prose(text: str) -> str:
    """Return the page without its blocks."""
    return BLOCK.sub("", text)


def filled_in(text: str, contents: Mapping[str, str]) -> str:
    """Return the page with the content of every block replaced."""

    def block(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"<!-- scenario: {name} -->\n\n{contents[name]}\n\n<!-- end -->"

    return BLOCK.sub(block, text)
