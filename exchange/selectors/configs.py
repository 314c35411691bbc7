"""A market's configuration as the engine's value, parsed once per process."""

import json
from functools import lru_cache
from typing import Any

from exchange.engines import variable


@lru_cache(maxsize=512)
def parsed(text: str) -> variable.Config:
    """Parse configuration text; the text is its own cache key, so a change is a new entry."""
    return variable.Config.parse(json.loads(text))


def config_of(mapping: dict[str, Any]) -> variable.Config:
    """Return the configuration stored on a market."""
    return parsed(json.dumps(mapping, sort_keys=True))
