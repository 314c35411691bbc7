"""What the chain's rows and the ledger have to say alike: I6, I11 and I12, for the audit.

Each check is a query that yields what does not fit. Every minute it looks at the last two days and
at all that is open; a full one at everything.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection

from chain.models import Network
from exchange import clock
from exchange.services import audit

Finding = audit.Finding
Rows = Iterator[Finding]

LOOKS_BACK = timedelta(days=2)
# How a deposit names its transfer: chain id, transaction, position.
REF = r"^[0-9]+:0x[0-9a-f]{64}:[0-9]+$"

NOT_BOOKED = """
    SELECT d.id, d.amount_micro, coalesce(s.booked, 0)::bigint
      FROM chain_deposit d JOIN chain_network n ON n.id = d.network_id
      LEFT JOIN exchange_transfer t ON t.kind = 'deposit'
            AND t.ref = n.chain_id || ':' || d.tx_hash || ':' || d.position
      LEFT JOIN LATERAL (
           SELECT sum(e.amount_micro) AS booked FROM exchange_entry e
             JOIN exchange_account a ON a.id = e.account_id
            WHERE e.transfer_id = t.id AND a.kind = 'cash' AND a.market_id IS NULL
              AND a.user_id = d.user_id) s ON true
     WHERE d.state = 'credited' AND (%(since)s::timestamptz IS NULL OR d.credited_at > %(since)s)
       AND coalesce(s.booked, 0) <> d.amount_micro"""
BOOKED_FOR_NOTHING = """
    SELECT t.id, t.ref FROM exchange_transfer t
     WHERE t.kind = 'deposit' AND t.ref ~ %(ref)s
       AND (%(since)s::timestamptz IS NULL OR t.at > %(since)s)
       AND NOT EXISTS (
           SELECT FROM chain_deposit d JOIN chain_network n ON n.id = d.network_id
            WHERE d.state = 'credited' AND n.chain_id::text = split_part(t.ref, ':', 1)
              AND d.tx_hash = split_part(t.ref, ':', 2)
              AND d.position::text = split_part(t.ref, ':', 3))"""
NOT_FINAL = """
    SELECT d.id, d.block_number, s.final_number FROM chain_deposit d
      LEFT JOIN chain_scanstate s ON s.network_id = d.network_id
     WHERE d.state = 'credited' AND d.final_at IS NOT NULL
       AND (%(since)s::timestamptz IS NULL OR d.credited_at > %(since)s)
       AND d.block_number > coalesce(s.final_number, -1)"""
HOLDS = """
    SELECT w.id, w.state, x.ref, x.amount, h.amount_micro, h.state FROM chain_withdrawal w
     CROSS JOIN LATERAL (VALUES ('withdrawal:' || w.id, w.amount_micro),
                                ('withdrawal-fee:' || w.id, w.fee_micro)) x(ref, amount)
      LEFT JOIN exchange_hold h ON h.ref = x.ref
     WHERE x.amount > 0
       AND (%(since)s::timestamptz IS NULL OR w.ended_at IS NULL OR w.ended_at > %(since)s)
       AND (h.user_id, h.amount_micro, h.state) IS DISTINCT FROM (w.user_id, x.amount,
            CASE w.state WHEN 'final' THEN 'captured' WHEN 'cancelled' THEN 'voided'
                         WHEN 'returned' THEN 'voided' ELSE 'open' END)"""
HOLDS_FOR_NOTHING = """
    SELECT h.ref FROM exchange_hold h
     WHERE h.ref ~ '^withdrawal(-fee)?:[0-9]+$'
       AND (%(since)s::timestamptz IS NULL OR h.created_at > %(since)s)
       AND NOT EXISTS (SELECT FROM chain_withdrawal w
                        WHERE w.id = split_part(h.ref, ':', 2)::bigint)"""
PAYMENTS = """
    SELECT w.id, w.state, s.nonce, s.state FROM chain_withdrawal w
      LEFT JOIN chain_nonceslot s ON s.id = w.slot_id
     WHERE (%(since)s::timestamptz IS NULL OR w.ended_at IS NULL OR w.ended_at > %(since)s)
       AND (w.state = 'final') <> coalesce(s.state = 'settled' AND NOT s.reverted, false)"""
PAYEES = """
    SELECT s.nonce, s.sender, s.amount_micro, coalesce(sum(w.amount_micro), 0)::bigint
      FROM chain_nonceslot s LEFT JOIN chain_withdrawal w ON w.slot_id = s.id
     WHERE s.purpose IN ('payout', 'batch')
       AND (%(since)s::timestamptz IS NULL OR s.created_at > %(since)s)
     GROUP BY s.id HAVING s.amount_micro <> coalesce(sum(w.amount_micro), 0)
         OR count(w.id) <> CASE s.purpose WHEN 'payout' THEN 1 ELSE count(w.id) END"""
HASHES = """
    SELECT s.nonce, s.sender, s.state, s.settled_hash FROM chain_nonceslot s
     WHERE (%(since)s::timestamptz IS NULL OR s.settled_at IS NULL OR s.settled_at > %(since)s)
       AND CASE WHEN s.settled_at IS NULL THEN s.settled_hash <> '' ELSE
           s.settled_hash = '' OR (s.state <> 'taken') <> EXISTS (
               SELECT FROM chain_attempt a WHERE a.slot_id = s.id AND a.tx_hash = s.settled_hash
                  AND a.is_cancel = (s.state = 'void')) END"""
# Money that no chain shows: play money in the demonstration, and nowhere else.
OUTSIDE = """
    SELECT coalesce((SELECT sum(balance_micro) FROM exchange_account WHERE kind = 'external'), 0),
           coalesce((SELECT sum(amount_micro) FROM chain_deposit WHERE state = 'credited'), 0),
           coalesce((SELECT sum(amount_micro) FROM chain_withdrawal WHERE state = 'final'), 0),
           coalesce(sum(-e.amount_micro) FILTER (WHERE g.id IS NOT NULL), 0),
           coalesce(sum(-e.amount_micro) FILTER (
               WHERE t.kind NOT IN ('captured', 'gas') AND NOT (t.kind = 'deposit'
                     AND t.ref ~ %(ref)s)), 0)
      FROM exchange_entry e JOIN exchange_transfer t ON t.id = e.transfer_id
      JOIN exchange_account a ON a.id = e.account_id AND a.kind = 'external'
      LEFT JOIN LATERAL (
           SELECT s.id FROM chain_nonceslot s JOIN chain_network n ON n.id = s.network_id
            WHERE t.kind = 'gas' AND s.settled_at IS NOT NULL
              AND t.ref = n.chain_id || ':' || s.settled_hash LIMIT 1) g ON true"""


def deposits_are_booked(since: datetime | None = None) -> Rows:
    """I11: a credited deposit has one transfer of its ref and amount, and such a transfer one."""
    for deposit, amount, booked in _rows(NOT_BOOKED, since):
        yield {"rule": "I11", "deposit": deposit, "amount_micro": amount, "booked_micro": booked}
    for transfer, ref in _rows(BOOKED_FOR_NOTHING, since):
        yield {"rule": "I11", "transfer": transfer, "ref": ref, "what": "no such deposit"}
    for deposit, block, final in _rows(NOT_FINAL, since):
        yield {"rule": "I11", "deposit": deposit, "block": block, "final": final}


def withdrawals_are_held(since: datetime | None = None) -> Rows:
    """I12: a withdrawal's holds are open, captured or voided as its state says, and only its."""
    for withdrawal, state, ref, amount, held, hold in _rows(HOLDS, since):
        found = {"amount_micro": amount, "held_micro": held, "hold": hold}
        yield {"rule": "I12", "withdrawal": withdrawal, "state": state, "ref": ref, **found}
    for (ref,) in _rows(HOLDS_FOR_NOTHING, since):
        yield {"rule": "I12", "ref": ref, "what": "no such withdrawal"}


def nonces_pay_once(since: datetime | None = None) -> Rows:
    """I12: one nonce, one payee, one amount; paid by one settled hash, of an attempt of its own."""
    for withdrawal, state, nonce, slot in _rows(PAYMENTS, since):
        yield {"rule": "I12", "withdrawal": withdrawal, "state": state, "nonce": nonce,
               "nonce_state": slot}  # fmt: skip
    for nonce, sender, amount, paid in _rows(PAYEES, since):
        yield {"rule": "I12", "nonce": nonce, "sender": sender, "amount_micro": amount,
               "withdrawals_micro": paid}  # fmt: skip
    for nonce, sender, state, tx_hash in _rows(HASHES, since):
        yield {"rule": "I12", "nonce": nonce, "sender": sender, "nonce_state": state,
               "settled_hash": tx_hash}  # fmt: skip


def outside_adds_up() -> Rows:
    """I6: what has left the outside is deposits less withdrawals, gas, and play money by name."""
    external, deposits, withdrawals, gas, play = map(int, _rows(OUTSIDE, None)[0])
    if external != withdrawals - deposits - gas - play:
        figures = {"deposits_micro": deposits, "withdrawals_micro": withdrawals, "gas_micro": gas}
        yield {"rule": "I6", "external_micro": external, **figures, "play_micro": play}
    if play and not settings.DEMO:
        yield {"rule": "I6", "play_micro": play, "what": "money that no chain shows"}


def _rows(sql: str, since: datetime | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"since": since, "ref": REF})
        return list(cursor.fetchall())


def _lately(check: Callable[[datetime | None], Rows]) -> Rows:
    if Network.objects.exists():
        yield from check(clock.now() - LOOKS_BACK)


def _ever(check: Callable[[], Rows]) -> Rows:
    # without a network there is nothing on any chain to compare with
    if Network.objects.exists():
        yield from check()


CHECKS = (deposits_are_booked, withdrawals_are_held, nonces_pay_once)


def register() -> None:
    """Have the audit look at the chain's rows, too; called once, when the app is ready."""
    audit.register(
        full=[partial(_ever, check) for check in (*CHECKS, outside_adds_up)],
        new=[partial(_lately, check) for check in CHECKS],
    )
