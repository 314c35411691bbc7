"""One sentence of a text model, or nothing: no markup, no address, no number of its own making."""

import re
from collections.abc import Iterable

CHARACTERS_MAX = 240
WORDS_MIN = 3
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
# Spelt numbers count as numbers: "two hundred" is a claim as much as 200 is.
SPELT = frozenset({
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
    "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand",
    "million", "billion", "trillion", "dozen", "half", "double", "doubled", "triple", "tripled",
    "twice",
})  # fmt: skip
WORD = re.compile(r"[^\W\d_]+")
# What could be read as a link, as markup, or as an order to a reader of markup.
FOREIGN = re.compile(
    r"[<>\[\]{}`|\\*_#~^$@]|&\w+;|://|\bwww\.|\b[\w-]+\.(?:com|org|net|io|co|info|biz|xyz|app|dev"
    r"|example|ru|cn|uk|de)\b|\bjavascript:|\bdata:",
    re.IGNORECASE,
)
# So many words in a row that stand in the prompt too are the prompt, said again.
ECHO_WORDS = 5
END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'])")


def kept(written: str, read: Iterable[str], prompt: str = "") -> str:
    """Return the first sentence of what was written if it may be shown, else nothing.

    `read` are the stories it was written about: a number that none of them has is invented.
    `prompt` is what stood around them: it is not for readers.
    """
    plain = " ".join(written.split())
    sentence = END.split(plain, maxsplit=1)[0].strip(" \"'") if plain else ""
    if not sentence or not sentence.isprintable() or len(sentence) > CHARACTERS_MAX:
        return ""
    if FOREIGN.search(sentence) or len(WORD.findall(sentence)) < WORDS_MIN:
        return ""
    told = " ".join(read)
    if not numbers_of(sentence) <= numbers_of(told) or _runs(sentence) & _runs(prompt):
        return ""
    return sentence


def _runs(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.lower())
    return set(zip(*(words[start:] for start in range(ECHO_WORDS)), strict=False))


def numbers_of(text: str) -> set[str]:
    """Return the numbers of a text, in digits and spelt out."""
    digits = {found.replace(",", "") for found in NUMBER.findall(text)}
    return digits | (SPELT & {word.lower() for word in WORD.findall(text)})
