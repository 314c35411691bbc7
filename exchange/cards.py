"""Draw the picture that stands beside a link to a market or a session where people share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

CONTENT_TYPE = "image/png"
WIDTH, HEIGHT = 1_200, 630
EDGE, ROW, BAR = 72, 72, 10
TITLE, NOTE, FIGURE = 64, 30, 36
NAME_WIDTH, ROWS_MAX = 620, 4
BACK, RAISED, TEXT, MUTED = "#0e1116", "#222a35", "#f1f3f6", "#9aa4b2"
TONES = {
    "blue": "#5aa2f5", "orange": "#f0924a", "green": "#4cc37f", "red": "#f0737b",
    "violet": "#b08cf2", "teal": "#3fc1c6", "yellow": "#e0bd3c", "pink": "#ee86c3",
    "brown": "#c69a76", "grey": "#a3acb9",
}  # fmt: skip
ACCENT = "violet"
# The typeface has the letters of western Europe; of others nothing but boxes would be seen.
LETTERS = "cp1252"
DOTS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line: a name, its figure, and how far its bar reaches, in thousandths."""

    name: str
    figure: str
    thousandths: int
    tone: str = ACCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the picture says."""

    title: str
    note: str
    bars: Sequence[Bar] = ()


def drawn(card: Card) -> bytes:
    """Return the picture as a PNG."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), BACK)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, WIDTH, 8), fill=TONES[ACCENT])
    pen.text((EDGE, 56), "Megatron", font=_font(NOTE), fill=MUTED)
    inside = WIDTH - 2 * EDGE
    pen.text((EDGE, 108), _fitted(card.title, TITLE, inside), font=_font(TITLE), fill=TEXT)
    pen.text((EDGE, 200), _fitted(card.note, NOTE, inside), font=_font(NOTE), fill=MUTED)
    for number, bar in enumerate(card.bars[:ROWS_MAX]):
        _draw(pen, bar, 276 + number * ROW)
    stream = BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _draw(pen: ImageDraw.ImageDraw, bar: Bar, top: int) -> None:
    font, right, tone = _font(FIGURE), WIDTH - EDGE, TONES.get(bar.tone, TONES[ACCENT])
    pen.text((EDGE, top), _fitted(bar.name, FIGURE, NAME_WIDTH), font=font, fill=TEXT)
    pen.text((right, top), _plain(bar.figure), font=font, fill=TEXT, anchor="ra")
    line = top + FIGURE + 12
    pen.rectangle((EDGE, line, right, line + BAR), fill=RAISED)
    reach = EDGE + (right - EDGE) * min(1_000, max(4, bar.thousandths)) // 1_000
    pen.rectangle((EDGE, line, reach, line + BAR), fill=tone)


def _fitted(text: str, size: int, width: int) -> str:
    """Return as much of a text as fits, and dots where that is not all of it."""
    shown = _plain(text)
    font = _font(size)
    if font.getlength(shown) <= width:
        return shown
    while shown and font.getlength(shown + DOTS) > width:
        shown = shown[:-1]
    return shown.rstrip() + DOTS


def _plain(text: str) -> str:
    spaced = " ".join(text.split())
    return " ".join(spaced.encode(LETTERS, "ignore").decode(LETTERS).split())


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
