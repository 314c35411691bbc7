"""The demonstration's oracles: which invented news each market reads, and which words move it."""

import contextlib
from datetime import timedelta
from typing import Any

from exchange import clock
from exchange.errors import Malformed
from exchange.models import Market, User
from megatron.demo.catalogue import DemoMarket
from oracle.models import Source
from oracle.services import cards, specs, staff, sweep

ARCHIVE, NUMBERS, LIVE = "demo-archive", "demo-numbers", "business-feed"
# The archive's four weeks pass in two days.
SPEED = 14
INTERVAL_S = 600
WAIVED = "Its news is invented for the demonstration: there is no past to play."
PAST, HORIZON_S = timedelta(days=2), 3_600

WORDS: dict[str, dict[str, Any]] = {
    "eu-inflation": {
        "rise_words": ["prices UP", "inflation UP", "costs UP", "rents UP", "wages UP"],
        "fall_words": ["prices DOWN", "inflation DOWN", "costs DOWN", "cheaper energy"],
        "keywords": ["inflation", "prices", "wages", "rents", "energy"],
        "polarity": -1,
    },
    "ai-attention": {
        "rise_words": ["interest UP", "demand UP", "record audience"],
        "fall_words": ["interest DOWN", "hype fades", "demand DOWN"],
        "keywords": ["artificial intelligence", "AI", "model", "chatbot"],
        "polarity": 1,
    },
    "coffee-price-pressure": {
        "rise_words": ["harvest DOWN", "coffee UP", "prices UP", "frost", "drought", "shortage"],
        "fall_words": ["harvest UP", "prices DOWN", "bumper crop", "surplus"],
        "keywords": ["coffee", "harvest", "beans", "roasters"],
        "polarity": -1,
    },
    "city-air-quality": {
        "rise_words": ["pollution DOWN", "emissions DOWN", "cleaner air"],
        "fall_words": ["pollution UP", "smog", "emissions UP"],
        "keywords": ["air", "smog", "emissions", "pollution"],
        "polarity": 1,
    },
    "league-form-northbridge": {
        "rise_words": ["win", "wins", "victory", "returns from injury"],
        "fall_words": ["defeat", "loses", "injury", "suspended"],
        "keywords": ["Northbridge", "United"],
        "polarity": 1,
    },
    "chip-supply": {
        "rise_words": ["supply UP", "output UP", "lead times DOWN", "new factory"],
        "fall_words": ["shortage", "supply DOWN", "export ban", "lead times UP"],
        "keywords": ["chip", "chips", "semiconductor", "factory"],
        "polarity": 1,
    },
}


# One market also follows a published number, which its own reader turns into a level.
MAPPINGS = {"eu-inflation": {"series": "ea-prices", "slope": "4"}}


def specify(market: Market, demo: DemoMarket, start_s: int) -> None:
    """Give a market its oracle over the archive, whose clock starts at `start_s`."""
    _sources(start_s)
    mapping = MAPPINGS.get(demo.slug, {})
    sources, panel = [ARCHIVE], [{"seat": "words", "reader": "lexicon", "sources": [ARCHIVE]}]
    if mapping:
        sources.append(NUMBERS)
        panel.append({"seat": "numbers", "reader": "series", "sources": [NUMBERS]})
    fields = {
        "question": demo.question,
        "unit": demo.unit,
        "kind": "delta",
        "queries": [demo.slug],
        "sources": [{"source": name, "weight": "1.0"} for name in sources],
        "panel": panel,
        "mapping": mapping,
        "quorum": 1,
        "interval_s": INTERVAL_S,
        "interval_min_s": 120,
        "interval_max_s": INTERVAL_S,
        "lookback_s": 86_400,
        "fallback": "rest",
        **WORDS[demo.slug],
    }
    specs.spec_save(market_id=market.pk, fields=fields, waived=WAIVED)


def cycle() -> None:
    """Do what is due now, in this very thread."""
    sweep.run_due()


def card(market: Market) -> None:
    """Judge the day that was replayed: the market's first report card, if its oracle ran."""
    now = clock.now()
    with contextlib.suppress(Malformed):
        cards.card_of_runs(market_id=market.pk, start=now - PAST, end=now, horizon_s=HORIZON_S)


def pause(market: Market, actor: User, reason: str) -> None:
    """Switch a market's oracle off, visibly."""
    staff.oracle_pause(actor=actor, market_id=market.pk, reason=reason)


def _sources(start_s: int) -> None:
    files = {
        ARCHIVE: ("archive.jsonl", "Demonstration archive (invented news)"),
        NUMBERS: ("series.jsonl", "Demonstration series (invented numbers)"),
    }
    epoch = clock.at(start_s).isoformat()
    for name, (file, label) in files.items():
        options = {"file": file, "epoch": epoch, "speed": SPEED}
        Source.objects.get_or_create(
            name=name,
            defaults={"label": label, "kind": Source.Kind.ARCHIVE, "options": options},
        )
    Source.objects.get_or_create(
        name=LIVE,
        defaults={
            "label": "BBC business news (live feed)",
            "kind": Source.Kind.RSS,
            "options": {"url": "https://feeds.bbci.co.uk/news/business/rss.xml"},
            "hosts": ["feeds.bbci.co.uk"],
            "is_enabled": False,
        },
    )
