"""Figures as docs/MATCHING.md writes them: exact, or cut and marked as cut."""

import re
from collections.abc import Sequence

from exchange.engines.units import ATTO, MICRO, NANO, PICO, RATE, format_fixed

NOTHING = "—"
CUT = "…"
SHOWN = 6
FIGURE = re.compile(r"[+-]?\d[\d,]*(\.\d+)?…?( %)?|" + NOTHING)


def usdc(micro: int) -> str:
    """Return an amount of USDC with at least two decimals, never rounded."""
    return _plain(micro, MICRO, 2)


def change(micro: int) -> str:
    """Return an amount with its sign: what somebody has gained or lost."""
    return ("+" if micro > 0 else "") + usdc(micro)


def shares(nano: int) -> str:
    """Return a number of shares or units, never rounded."""
    return _plain(nano, NANO, 0)


def price(pico: int) -> str:
    """Return a price, cut behind the sixth decimal; the mark says that there was more."""
    return _cut(pico, PICO, 2)


def slope(atto: int) -> str:
    """Return a slope, never rounded."""
    return _plain(atto, ATTO, 0)


def percent(e8: int) -> str:
    """Return a rate as per cent, never rounded."""
    return _plain(100 * e8, RATE, 0) + " %"


def percent_of_pico(pico: int) -> str:
    """Return a relative change as per cent, cut like a price."""
    return _cut(100 * pico, PICO, 0) + " %"


def worth(micro: int, nano: int) -> str:
    """Return USDC per unit, cut like a price."""
    return _cut(micro * 1000 * PICO // nano, PICO, 2)


def yes(holds: object) -> str:
    """Return a word for a flag."""
    return "yes" if holds else "no"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; columns of figures stand on the right."""
    columns = list(zip(*rows, strict=True))
    ends = ["---:" if all(map(_is_figure, column)) else "---" for column in columns]
    assert len(ends) == len(head)
    return "\n".join(
        [_line(head), "|" + "|".join(ends) + "|", *[_line(row) for row in rows]],
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _is_figure(cell: str) -> bool:
    return FIGURE.fullmatch(cell) is not None


def _plain(value: int, scale: int, least: int) -> str:
    places = len(str(scale)) - 1
    whole, _, rest = format_fixed(value, places).partition(".")
    rest = rest.rstrip("0").ljust(least, "0")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return sign + f"{int(digits):,}" + (f".{rest}" if rest else "")


def _cut(value: int, scale: int, least: int) -> str:
    rest = scale // 10**SHOWN
    size = abs(value) - abs(value) % rest
    text = _plain(size if value >= 0 else -size, scale, least)
    if size == abs(value):
        return text
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.ljust(SHOWN, '0')}{CUT}"
