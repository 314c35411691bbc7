"""Read a JSON body and nothing that merely resembles one.

The stock parser keeps the last of two equal keys, takes NaN, and any depth and size; a door to
money takes none of that. Numbers with a fraction are refused whole: amounts are text.
"""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.parsers import BaseParser

from exchange.errors import Malformed

BYTES_MAX = 64 * 1024
DEPTH_MAX = 16
DIGITS_MAX = 18
SHOWN_MAX = 40


class StrictJSONParser(BaseParser):
    """Parses application/json of at most 64 KiB. Raises Malformed."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value of the body."""
        raw = stream.read(BYTES_MAX + 1)
        if len(raw) > BYTES_MAX:
            raise Malformed(
                f"a body has at most {BYTES_MAX} bytes", fields={"bytes_max": BYTES_MAX}
            )
        return parse(raw)


def parse(raw: bytes) -> Any:
    """Return the value of a JSON document in UTF-8. Raises Malformed with the reason."""
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_fraction,
            parse_int=_whole,
        )
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise Malformed("the body is not JSON in UTF-8") from error
    _require_sane(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = name[:SHOWN_MAX].encode("ascii", "backslashreplace").decode()
            raise Malformed(f"{shown!r} is there twice", fields={"field": shown})
        found[name] = value
    return found


def _constant(text: str) -> NoReturn:
    raise Malformed(f"{text} is not a number of JSON")


def _fraction(text: str) -> NoReturn:
    raise Malformed(f'write amounts as text: "{text[:SHOWN_MAX]}"', code="money_malformed")


def _whole(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise Malformed(f"a whole number has at most {DIGITS_MAX} digits")
    return int(text)


def _require_sane(value: Any) -> None:
    """Refuse depth, and text that no table can hold: NUL and halves of characters."""
    level, depth = [value], 0
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _require_text(item)
            elif depth > DEPTH_MAX and isinstance(item, dict | list):
                raise _too_deep()
            elif isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
        level = below


def _require_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("text holds a character that cannot be stored")


def _too_deep() -> Malformed:
    return Malformed(f"a body nests at most {DEPTH_MAX} deep", fields={"depth_max": DEPTH_MAX})
