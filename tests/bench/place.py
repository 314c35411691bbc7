"""People with cash and markets that trade, made in bulk for a benchmark."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from exchange import clock
from exchange.engines import variable
from exchange.engines.units import MICRO as USDC
from exchange.engines.units import NANO
from exchange.models import Account, AccountKind, LiveState, Market, Stake, User
from exchange.services import audit, commands, ledger, markets, settlement
from exchange.services.batch import Receipt, Request

CASH_MICRO = 1_000_000 * USDC
POOL_MICRO = 10_000_000 * USDC
# A pool beside which no order counts, so that no cap, band or slope refuses any.
PARAMETERS = {
    "soft_cap": "10000000",
    "hard_cap": "20000000",
    "depth": "10",
    "band": None,
    "theta": "0.99",
    "kappa_open": "0.00000001",
    "kappa_keep": "0",
    "max_stale": "31536000",
}
BATCH = 500
STEP_PICO = 10**6
PLACE = "concat_ws(' ', s.ctid, s.xmin, s.xmax)"


def rows(sql: str, *params: Any, **named: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return what it brings."""
    with connection.cursor() as cursor:
        cursor.execute(sql, named or params or None)
        return list(cursor.fetchall()) if cursor.description else []


def name() -> str:
    """Return a name, an address or a key that nobody has used."""
    return uuid.uuid4().hex


def people(count: int, *, cash_micro: int = CASH_MICRO) -> list[int]:
    """Make users with cash, booked as one transfer."""
    made = User.objects.bulk_create(
        [User(email=f"{name()}@example.com", display_name="Caller") for _ in range(count)]
    )
    kind = AccountKind.CASH
    accounts = Account.objects.bulk_create([Account(user=user, kind=kind) for user in made])
    outside = ledger.account(kind=AccountKind.EXTERNAL)
    amounts = [(outside, -cash_micro * count), *((row, cash_micro) for row in accounts)]
    ledger.post(kind="deposit", ref=name(), amounts=amounts)
    return [user.pk for user in made]


def market(*, busy_s: int = 0) -> Market:
    """Open and fund a market; a busy one has traded in each of the last `busy_s` seconds."""
    provider = people(1, cash_micro=2 * POOL_MICRO)[0]
    slug = name()[:20]
    with clock.shifted(-busy_s - 1):
        made = markets.market_open(
            slug=slug,
            name=f"Bench {slug}",
            ticker=slug[:12].upper(),
            unit="USDC per point",
            question="How fast?",
            summary="For measuring.",
            rules="None.",
            topic="bench",
            parameters=PARAMETERS,
        )
        _submit(made, "contribute", POOL_MICRO, provider)
    for second in range(-busy_s, 0):
        with clock.shifted(second):
            _submit(made, "buy", 10 * USDC, provider)
    return made


def _submit(made: Market, kind: str, amount_micro: int, user_id: int) -> None:
    payload = {"amount_micro": amount_micro}
    commands.submit(market_id=made.pk, kind=kind, payload=payload, key=name(), user_id=user_id)


def crowd_book(made: Market, *, shorts: int, resting: int) -> None:
    """Let people be short in a market, and leave limit orders at prices close below its own."""
    asked = [Request("sell", {"shares_nano": NANO}, name(), user) for user in people(shorts)]
    _settle(made, asked)
    asked, who = [], people(shorts)
    state = variable.MarketState.from_mapping(LiveState.objects.get(market=made).state)
    for number in range(resting):
        payload = {
            "intent": "open_long",
            "shares_nano": 2 * NANO,
            "price_pico": state.market_pico - (number + 1) * STEP_PICO,
        }
        asked.append(Request("limit", payload, name(), who[number % len(who)]))
    _settle(made, asked)


def _settle(made: Market, asked: Sequence[Request]) -> None:
    for start in range(0, len(asked), BATCH):
        answers = settlement.drain(made.pk, asked[start : start + BATCH])
        refused = [a for a in answers if not isinstance(a, Receipt) or not a.accepted]
        assert not refused, refused[:3]


def split_stake(made: Market, count: int) -> None:
    """Spread a fresh market's one stake over `count` providers, to the last unit.

    Straight into the tables: a hundred thousand contributions would take an hour, and nothing has
    been earned yet that could get lost.
    """
    stake = Stake.objects.get(market=made)
    share = stake.units_nano // count
    first = _copies(User, stake.user_id, count - 1, {"email": "'lp' || n || $$-$$ || %s"}, name())
    cohorts = f"'[[{share}, null, 0]]'::jsonb"
    changed = {"user_id": f"{first} + n - 1", "units_nano": str(share), "cohorts": cohorts}
    _copies(Stake, stake.pk, count - 1, changed)
    rest = stake.units_nano - share * (count - 1)
    Stake.objects.filter(pk=stake.pk).update(units_nano=rest, cohorts=[[rest, None, 0]])


def _copies(
    model: type[models.Model], key: int, count: int, changed: dict[str, str], *params: object
) -> int:
    """Copy a row `count` times with some columns computed from n; return the least new key."""
    table = model._meta.db_table
    columns = [f.column or "" for f in model._meta.concrete_fields if f.column != "id"]
    values = [changed.get(column, f'o."{column}"') for column in columns]
    named = ", ".join(f'"{column}"' for column in columns)
    found = rows(
        f"WITH made AS (INSERT INTO {table} ({named}) SELECT {', '.join(values)}"
        f" FROM {table} o, generate_series(1, {count}) n WHERE o.id = {key} ORDER BY n"
        " RETURNING id) SELECT min(id) FROM made",
        *params,
    )
    return int(found[0][0])


def refresh_statistics() -> None:
    """Do what autovacuum would have done to tables of this size."""
    rows("VACUUM ANALYZE")


def accepted(market_ids: Sequence[int]) -> int:
    """Return how many trades these markets have accepted."""
    found = rows(
        "SELECT count(*) FROM exchange_command"
        " WHERE market_id = ANY(%s) AND accepted AND kind IN ('buy', 'sell')",
        list(market_ids),
    )
    return int(found[0][0])


def require_clean_books() -> None:
    """Stop the benchmark if the books do not add up: a fast wrong answer is none."""
    findings = audit.examine(logs=False)  # stakes were split past the log
    assert findings == [], findings[:3]


def mark_stakes() -> None:
    """Note where each stake row lies and who wrote or locked it."""
    rows(f"CREATE TABLE bench_stakes AS SELECT s.id, {PLACE} AS place FROM exchange_stake s")


def stakes_moved() -> int:
    """Return how many stake rows were written, locked or replaced since they were marked."""
    found = rows(
        "SELECT count(*) FROM exchange_stake s FULL JOIN bench_stakes n ON n.id = s.id"
        f" WHERE n.place IS DISTINCT FROM {PLACE}"
    )
    return int(found[0][0])
