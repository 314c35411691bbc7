"""An outcome market's configuration and state as the engine's values, parsed once per process."""

import json
from functools import lru_cache
from typing import Any

from exchange.engines import outcome


@lru_cache(maxsize=256)
def parsed(text: str) -> outcome.Config:
    """Parse configuration text; the text is its own cache key, so a change is a new entry."""
    return outcome.Config.parse(json.loads(text))


def config_of(mapping: dict[str, Any]) -> outcome.Config:
    """Return the configuration stored on a market."""
    return parsed(json.dumps(mapping, sort_keys=True))
