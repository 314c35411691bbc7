"""Everything that can be asked of a market, all at once, while its processes are killed."""

import random
import threading
import time
from typing import Any

import pytest
from django.db import connection

from exchange.errors import MegatronError
from exchange.models import Command, Fill, Market, RestingOrder
from exchange.services import markets, tokens
from tests.factories import active_market, contribute, funded_user, key
from tests.faults.nursery import database_url
from tests.faults.scale import NIGHTLY, scaled
from tests.faults.site import Process, Web
from tests.faults.test_carriers import log_without_gap
from tests.faults.traders import Draw, Trader, examine, judge, newest_command

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800), pytest.mark.usefixtures("books")]

TRADERS = scaled(12, 32)
KILLS = scaled(12, 200)
ORACLE_EVERY_S = 0.4
INTENTS = ("open_long", "close_long", "open_short", "close_short")
# Moves fast and far, so that stops, targets and liquidations happen.
LIVELY: dict[str, Any] = {
    "day_max": "1",
    "beta": "1",
    "half_life": "60",
    "vesting": [[0, "1"]],
    "m_open": "0.5",
}


def anything(choice: random.Random) -> Draw:
    """Return any of the commands, with figures that are sometimes refused."""
    price = f"{choice.uniform(9, 11):.4f}"
    draws: list[Draw] = [
        ("orders", {"side": "buy", "amount": f"{choice.uniform(1, 40):.2f}"}),
        ("orders", {"side": "sell", "shares": f"{choice.uniform(0.1, 4):.3f}"}),
        ("orders", {"side": "buy", "amount": "400", "commit": True}),
        ("limit-orders", limit(choice, price)),
        ("targets", {"stop_price": f"{choice.uniform(1, 30):.4f}", "target_price": None}),
        ("targets", {"stop_price": None, "target_price": f"{choice.uniform(1, 30):.4f}"}),
        ("timed-exits", {"shares": "0.2", "chunks": 2, "interval_s": 60}),
        ("collateral", {"action": choice.choice(["add", "remove"]), "amount": "2"}),
        ("contributions", {"amount": "15"}),
        ("withdrawals", {"units": "3", "queued": choice.random() < 0.5}),
        ("fee-claims", {}),
    ]
    return choice.choices(draws, weights=(6, 6, 1, 4, 1, 1, 1, 1, 1, 1, 1))[0]


def limit(choice: random.Random, price: str) -> dict[str, Any]:
    intent = choice.choice(INTENTS)
    body = {"intent": intent, "shares": "0.5", "price": price}
    return {**body, "margin": "8"} if intent == "open_short" else body


def let_news_come(places: list[Market], choice: random.Random, stop: threading.Event) -> None:
    """Move the fundamental of one market after the other, as a worker would."""
    while not stop.wait(ORACLE_EVERY_S):
        delta = choice.choice((-1, 1)) * choice.randrange(3, 30) * 10**10
        reports = [{"delta_pico": delta, "confidence_e8": 10**8}] * 3
        try:
            markets.oracle_apply(
                market_id=choice.choice(places).pk, reports=reports, ref=f"news-{key()}"
            )
        except MegatronError as busy:
            print(f"news not taken: {busy.code}")
    connection.close()


def assert_everything_happened() -> None:
    """The run was a run."""
    kinds = set(Command.objects.filter(accepted=True).values_list("kind", flat=True))
    assert kinds >= {"buy", "sell", "limit", "contribute", "oracle"}
    assert not NIGHTLY or kinds >= {"targets", "timed_exit"}
    causes = set(Fill.objects.values_list("cause", flat=True))
    print(sorted(kinds), sorted(causes), RestingOrder.objects.count())
    assert causes >= {"command", "limit"}
    # a short run may see none of them by chance
    assert not NIGHTLY or causes & {"stop", "target"}


def test_every_promise_holds_whatever_is_killed(web: Web, chance: random.Random) -> None:
    places = [active_market(pool="20000", **LIVELY) for _ in range(2)]
    people = [funded_user("3000") for _ in range(TRADERS)]
    for user in people:
        contribute(user, places[0], "20")
    stop, since = threading.Event(), newest_command()
    traders = [
        Trader(
            tokens=tokens.create(user=user, name="bot", scopes=["trade"])[1],
            slugs=[market.slug for market in places],
            port=web.port,
            choice=random.Random(chance.random()),
            stop=stop,
            draw=anything,
        )
        for user in people
    ]
    url = database_url(str(connection.settings_dict["NAME"]))
    others = [Process(name, DATABASE_URL=url) for name in ("worker", "clock")]
    threads = [threading.Thread(target=trader.run, daemon=True) for trader in traders]
    threads.append(
        threading.Thread(
            target=let_news_come, args=(places, random.Random(chance.random()), stop), daemon=True
        )
    )
    try:
        for process in others:
            process.start()
        for thread in threads:
            thread.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.2))
            victim = chance.choices((web, *others), weights=(2, 1, 1))[0]
            victim.kill()
            victim.start()
        time.sleep(2)
        stop.set()
        for thread in threads:
            thread.join(60)
    finally:
        stop.set()
        for process in others:
            process.remove()

    judge(traders, since)
    for market in places:
        log_without_gap(Market.objects.get(pk=market.pk))
    assert_everything_happened()
    examine()
