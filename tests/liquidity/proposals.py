"""One line each for what people propose: words without a fault, and requests that are stored."""

import itertools
from typing import Any

from exchange.models import User
from liquidity.models import MarketRequest
from liquidity.services import requests
from tests.factories import key, usdc

_numbers = itertools.count(1)
# Names far enough from each other that none is a duplicate.
SUBJECTS = ("Bicycle sales", "Rain in Lima", "Chess openings", "Copper theft", "Opera tickets")

RULES = (
    "Follows what three trade papers print about it, each story once. One event moves the oracle"
    " view by at most 5 %. When a source falls silent or stops, the view rests until it speaks."
)


def words(name: str = "Natural gas in Europe", **changes: Any) -> dict[str, Any]:
    """Return the words of a proposal that the linter has nothing to say about."""
    slug = "-".join(name.lower().split())
    return {
        "name": name,
        "slug": slug,
        "ticker": slug.replace("-", "").upper()[:12],
        "unit": "USDC per index point",
        "question": f"Is more heard of {name} than before?",
        "summary": f"Follows {name} as the trade press tells it, week by week, in one figure.",
        "rules": RULES,
        "topic": "Energy",
        **changes,
    }


def brief(name: str = "Natural gas in Europe", **changes: Any) -> dict[str, Any]:
    """Return what the oracle of a proposal should read."""
    return {
        "kind": "delta",
        "queries": [f"{name} supply", f"{name} demand"],
        "rise_words": ["dearer", "shortage"],
        "fall_words": ["cheaper", "glut"],
        "sources": "Trade papers: Harbour Wire, Evening Post, Gas Weekly.",
        **changes,
    }


def proposed(user: User, name: str = "", **changes: Any) -> MarketRequest:
    """Store a request."""
    name = name or SUBJECTS[next(_numbers) % len(SUBJECTS)]
    given = {
        "words": words(name),
        "brief": brief(name),
        "parameters": {},
        "stake_micro": usdc("150"),
        "differs": "",
        "key": key(),
        **changes,
    }
    return requests.request_create(user=user, **given)
