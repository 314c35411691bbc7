"""Where a market stands, as JSON that Postgres writes from the newest tick in one statement."""

from django.db import connection

from exchange import clock
from exchange.errors import NotFound

# last_tick was rendered by the settlement that wrote it, so nothing is parsed or computed here.
SNAPSHOT = """
    SELECT json_build_object(
               'market', m.slug, 'status', m.status, 'seq', l.batch_seq, 'server_s', %s::bigint,
               'halted', nullif(l.halt_rule, ''),
               'reduce_only', nullif(l.reduce_only_reason, ''),
               'tick', nullif(l.last_tick, '{}'::jsonb))::text
      FROM exchange_livestate l JOIN exchange_market m ON m.id = l.market_id
     WHERE m.slug = %s"""


def snapshot_json(slug: str) -> bytes:
    """Return the newest tick of a market with its status. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOT, [clock.now_s(), slug])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no market {slug[:60]!r}")
    text: str = row[0]
    return text.encode()
