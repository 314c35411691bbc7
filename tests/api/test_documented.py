"""docs/API.md against what there is: addresses, limits, close codes."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings

from exchange import consumers
from exchange.api import urls

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs/API.md").read_text()
MARKET = "markets/<slug:slug>/"
# What says no more than its schema does.
PLAIN = {"snapshot/", "candles/", "trades/", "events/"}


def test_every_address_of_trading_is_in_the_table() -> None:
    routes = {str(entry.pattern) for entry in urls.urlpatterns}
    of_market = {r.removeprefix(MARKET) for r in routes if r.startswith(MARKET)} - PLAIN - {""}
    table = TEXT.partition("## Trading")[2].partition("\n## ")[0]

    rows = re.findall(r"^\|.*$", table, re.MULTILINE)
    told = {address for row in rows for address in re.findall(r"`([\w/-]+/)`", row)}

    assert told == of_market


def test_every_limit_is_told() -> None:
    rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    for scope, rate in rates.items():
        told = rate.replace(" burst ", ", ") + (" at once" if "burst" in rate else "")
        assert scope == "money" or f"| {scope} | {told} |" in TEXT, scope


def test_every_close_code_is_told() -> None:
    codes = {value for name, value in vars(consumers).items() if name.startswith("CLOSE_")}

    assert {int(code) for code in re.findall(r"^\| (4\d{3}) \|", TEXT, re.MULTILINE)} == codes
