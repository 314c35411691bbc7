"""Who stands where in a session: what everybody would have, trades, gas, and the gain net of it."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from exchange.engines import outcome
from exchange.engines.units import PICO
from exchange.models import Session
from exchange.selectors.outcome import configs

# What a session has done to each participant's money, by the entries of its ticks.
NET = """
    SELECT a.user_id, sum(e.amount_micro)::bigint
      FROM exchange_transfer t
      JOIN exchange_entry e ON e.transfer_id = t.id
      JOIN exchange_account a ON a.id = e.account_id
     WHERE t.market_id = %s AND t.kind = 'batch' AND a.user_id IS NOT NULL
     GROUP BY a.user_id"""
# Play money is in accounts of the session alone; what was granted is not a gain.
NET_PLAY = """
    SELECT a.user_id, sum(a.balance_micro)::bigint - %s
      FROM exchange_account a WHERE a.market_id = %s AND a.user_id IS NOT NULL
     GROUP BY a.user_id"""
HELD = """
    SELECT user_id, token, free_micro + locked_micro FROM exchange_holding
     WHERE market_id = %s AND (free_micro > 0 OR locked_micro > 0)"""
ASKED = """
    SELECT user_id, sum(coalesce((result ->> 'gas_micro')::bigint,
                                 (result -> 'fields' ->> 'gas_micro')::bigint, 0))::bigint
      FROM exchange_command
     WHERE market_id = %s AND kind = 'order' AND user_id IS NOT NULL AND seq IS NOT NULL
     GROUP BY user_id"""
TRADES = """
    SELECT who, count(*) FROM (
        SELECT buyer AS who FROM exchange_outcomefill WHERE market_id = %s
         UNION ALL
        SELECT seller FROM exchange_outcomefill WHERE market_id = %s) x
     WHERE who IS NOT NULL GROUP BY who"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One line of the ranking. While a session runs, tokens count at their published prices.

    `gain_micro` is net of fees and gas; `gain_e8` is that over what everybody starts with. Of real
    money nobody is given any to start with: there `final_micro` and `gain_e8` are None. Equal
    figures share a place.
    """

    place: int
    user_id: int
    name: str
    final_micro: int | None
    gain_micro: int
    gain_e8: int | None
    trades: int
    gas_micro: int


def ranking(session: Session) -> list[Standing]:
    """Return everybody who takes part, the best first."""
    start = _start_micro(session)
    if start is None:
        net = _by_user(NET, session.market_id)
    else:
        net = _by_user(NET_PLAY, start, session.market_id)
    worth = _worth(session)
    gas, trades = _by_user(ASKED, session.market_id), _by_user(TRADES, *[session.market_id] * 2)
    rows = []
    for participant in session.participants.order_by("id"):
        user = participant.user_id
        gain = net.get(user, 0) + worth.get(user, 0)
        rows.append((gain, participant.name, user, trades.get(user, 0), gas.get(user, 0)))
    rows.sort(key=lambda row: (-row[0], row[2]))
    places = {gain: place for place, (gain, *_) in reversed(list(enumerate(rows, start=1)))}
    return [
        Standing(
            place=places[gain],
            user_id=user,
            name=name,
            final_micro=None if start is None else start + gain,
            gain_micro=gain,
            gain_e8=None if start is None else gain * 10**8 // start if start else 0,
            trades=count,
            gas_micro=paid,
        )
        for gain, name, user, count, paid in rows
    ]


def _start_micro(session: Session) -> int | None:
    """Return the play money that everybody was given; of real money there is none."""
    if not session.is_play:
        return None
    return configs.config_of(session.market.config).starting_balance_micro


def _worth(session: Session) -> dict[int, int]:
    state = outcome.MarketState.from_mapping(session.market.live.state)
    prices = [price for row in state.outcomes for price in (row.yes_pico, row.no_pico)]
    worth: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(HELD, [session.market_id])
        for user, token, size in cursor.fetchall():
            worth[user] = worth.get(user, 0) + size * prices[token] // PICO
    return worth


def _by_user(sql: str, *params: Any) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return dict(cursor.fetchall())
