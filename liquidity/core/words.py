"""Text as bare words, so that spelling, case and punctuation do not tell two texts apart."""

IDLE_TEXT = (
    "a an and are as at be by do does for from has have how in is it its market more of on or"
    " price prices rise rises rising fall falls falling faster higher lower index the than that"
    " their there they this to was what when which will with you per usdc"
)
STEM = 6


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in their order, in small letters, digits kept."""
    plain = "".join(c if c.isalnum() else " " for c in text.casefold())
    return tuple(plain.split())


# Words that say nothing about a market's subject.
IDLE = frozenset(words(IDLE_TEXT))


def stems(text: str) -> frozenset[str]:
    """Return the beginnings of the words that say something, for texts in other inflections."""
    return frozenset(word[:STEM] for word in words(text) if word not in IDLE)


def trigrams(text: str) -> frozenset[str]:
    """Return every run of three characters, the edges of words included."""
    plain = f"  {' '.join(words(text))} "
    return frozenset(plain[n : n + 3] for n in range(len(plain) - 2))
