"""The only place that spells a row lock, and the order in which locks are taken.

Order: the market's live row, then accounts by id. Whoever touches a market's own accounts holds
that market's lock, and so does whoever touches what users have reserved or escrowed in it: two
settlements can only meet on cash accounts, in ascending order.
`NO KEY` leaves foreign-key checks of other writers undisturbed.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from exchange.models import Account, Hold, LiveState

LIVE_ROW = """
    SELECT l.command_seq, l.batch_seq, l.state, l.halt_rule, l.reduce_only_since IS NOT NULL,
           m.config, m.slug, l.last_tick, l.pause_rule, l.pause_since_s, l.pause_until_s,
           l.recent, l.pool_sums
      FROM exchange_livestate l JOIN exchange_market m ON m.id = l.market_id
     WHERE l.market_id = %s
       FOR NO KEY UPDATE OF l"""

# Everybody a batch concerns: the callers, those whose commands wait in the log, for a refund the
# next slice of contributors, for a settlement whoever holds a position. Found and locked by one
# statement, so that no account is locked out of order.
CONCERNED = """ANY(%(users)s::bigint[]
    || ARRAY(SELECT user_id FROM exchange_command
              WHERE market_id = %(market)s AND batch_seq IS NULL ORDER BY id LIMIT %(waiting)s)
    || ARRAY(SELECT user_id FROM exchange_stake
              WHERE market_id = %(market)s AND units_nano > 0
              ORDER BY user_id LIMIT %(refunds)s)
    || ARRAY(SELECT user_id FROM exchange_position
              WHERE market_id = %(market)s AND shares_nano <> 0
              ORDER BY user_id LIMIT %(holders)s))"""

USER_CASH = f"""
    SELECT a.id, a.user_id, a.balance_micro, a.version, a.head, u.opens_barred
      FROM exchange_account a JOIN exchange_user u ON u.id = a.user_id
     WHERE a.user_id = {CONCERNED} AND a.market_id IS NULL AND a.kind = 'cash'
     ORDER BY a.id
       FOR NO KEY UPDATE OF a"""  # noqa: S608 (two constants of ours)

# Whoever a settlement comes upon while it runs, such as a short that is liquidated, stands out of
# order. Their account is taken only where nobody has to be waited for.
CASH_AT_ONCE = """
    SELECT a.id, a.user_id, a.balance_micro, a.version, a.head, u.opens_barred
      FROM exchange_account a JOIN exchange_user u ON u.id = a.user_id
     WHERE a.user_id = %s AND a.market_id IS NULL AND a.kind = 'cash'
       FOR NO KEY UPDATE OF a NOWAIT"""

# A session's live row with what its clock needs of its market and of itself.
SESSION_ROW = """
    SELECT l.command_seq, l.batch_seq, l.state, l.halt_rule, l.reduce_only_since IS NOT NULL,
           l.last_tick, m.config, m.status, s.code, s.money = 'play', s.started_ms,
           s.planned_winner, s.host_id
      FROM exchange_livestate l
      JOIN exchange_market m ON m.id = l.market_id
      JOIN exchange_session s ON s.market_id = l.market_id
     WHERE l.market_id = %s
       FOR NO KEY UPDATE OF l"""
CASH_OF = """
    SELECT a.id, a.user_id, a.balance_micro, a.version, a.head
      FROM exchange_account a
     WHERE a.user_id = ANY(%s::bigint[]) AND a.market_id IS NULL AND a.kind = 'cash'
     ORDER BY a.id
       FOR NO KEY UPDATE OF a"""


def live_state(market_id: int) -> LiveState:
    """Lock and return one market's live row."""
    return LiveState.objects.select_for_update(no_key=True).get(market_id=market_id)


def accounts(ids: list[int]) -> dict[int, Account]:
    """Lock the accounts in ascending order of id and return them by id."""
    rows = Account.objects.select_for_update(no_key=True).filter(id__in=ids).order_by("id")
    return {row.id: row for row in rows}


def hold(ref: str) -> Hold:
    """Lock and return a hold."""
    return Hold.objects.select_for_update(no_key=True).get(ref=ref)


@contextmanager
def leadership(duty: str) -> Iterator[bool]:
    """Try to become the one process that does `duty`; the lock lives as long as the connection."""
    key = zlib.crc32(duty.encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        won = cursor.fetchone() == (True,)
    try:
        yield won
    finally:
        if won:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
