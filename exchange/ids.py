"""Public identifiers: a prefix and the row's key in Crockford's base 32, time-ordered like the key.

An id is a name, not a secret: whoever presents one still passes through selectors/access.py.
"""

from exchange.errors import NotFound

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
KEY_MAX = 2**63 - 1
DIGITS = 13


def public_id(prefix: str, key: int) -> str:
    """Return `prefix_` and `key` in 13 digits of base 32."""
    digits = []
    for _ in range(DIGITS):
        key, digit = divmod(key, 32)
        digits.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def key_of(prefix: str, text: str) -> int:
    """Return the key inside `text`. Raises NotFound for anything that is not such an id."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != DIGITS or not set(tail) <= set(ALPHABET):
        raise NotFound(f"there is no {text[:40]!r}")
    key = 0
    for digit in tail:
        key = key * 32 + ALPHABET.index(digit)
    if key > KEY_MAX:
        raise NotFound(f"there is no {text[:40]!r}")
    return key
