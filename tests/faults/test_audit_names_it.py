"""Chaos for the examiner: whatever is broken behind the books' back is named, and only that."""

import random

import pytest
from django.db import connection, transaction

from exchange.models import AuditRun, Market, User
from exchange.services import audit, ledger, markets
from tests.factories import active_market, buy, funded_user, key, sell, usdc
from tests.faults.scale import scaled
from tests.forgery import edit

pytestmark = [pytest.mark.fault, pytest.mark.django_db, pytest.mark.breaks_books]

REPORTS = [{"delta_pico": 10**10, "confidence_e8": 9 * 10**7}] * 3


@pytest.fixture(autouse=True)
def scene(db: None) -> tuple[Market, User]:
    """Two markets that traded, a hold, and books that are clean before they are broken."""
    market, other = active_market("broken", quorum=1), active_market("whole")
    alice, bob = funded_user("1000"), funded_user("1000")
    for user in (alice, bob):
        for place in (market, other):
            buy(user, place, "50")
    sell(bob, market, 10**9)
    markets.oracle_apply(market_id=market.pk, reports=REPORTS, ref=key())
    ledger.hold(user_id=alice.pk, amount_micro=usdc("7"), ref="hold-1")
    assert audit.examine() == []
    return market, alice


# In each, {market} is the market that is broken and {alice} somebody who trades there.
POSITION = "exchange_position WHERE user_id = {alice} AND market_id = {market}"
CASH = "user_id = {alice} AND kind = 'cash'"
POOL = "market_id = {market} AND kind = 'pool'"
LAST = "(SELECT max(id) FROM exchange_{table})"
MUST_BE_NAMED = {
    "a position grows": (
        "UPDATE exchange_position SET shares_nano = shares_nano + 1"
        " WHERE user_id = {alice} AND market_id = {market}",
        {"fills", "long_nano"},
    ),
    "a position is gone": (f"DELETE FROM {POSITION}", {"long_nano"}),
    "a position changes hands": (
        "UPDATE exchange_position SET user_id = (SELECT max(id) FROM exchange_user) + 1"
        " WHERE user_id = {alice} AND market_id = {market}",
        {"fills"},
    ),
    "the state's longs grow": (
        "UPDATE exchange_livestate SET state = jsonb_set(state, '{{long_nano}}',"
        " to_jsonb((state->>'long_nano')::bigint + 1)) WHERE market_id = {market}",
        {"long_nano"},
    ),
    "the state's shorts appear": (
        "UPDATE exchange_livestate SET state = jsonb_set(state, '{{short_nano}}', '1')"
        " WHERE market_id = {market}",
        {"short_nano"},
    ),
    "the state's pool grows": (
        "UPDATE exchange_livestate SET state = jsonb_set(state, '{{pool_micro}}',"
        " to_jsonb((state->>'pool_micro')::bigint + 1)) WHERE market_id = {market}",
        {"pool_micro"},
    ),
    "the pool's balance grows": (
        f"UPDATE exchange_account SET balance_micro = balance_micro + 1 WHERE {POOL}",
        {"pool_micro", "I5", "I6"},
    ),
    "the pool pays the fees": (
        "UPDATE exchange_account SET balance_micro = balance_micro"
        " + CASE kind WHEN 'pool' THEN -1 ELSE 1 END"
        " WHERE market_id = {market} AND kind IN ('pool', 'lp_fees')",
        {"pool_micro", "lp_fees_micro", "I5"},
    ),
    "a stake grows": (
        "UPDATE exchange_stake SET units_nano = units_nano + 1 WHERE market_id = {market}",
        {"units_nano"},
    ),
    "a fill is larger": (
        "UPDATE exchange_fill SET shares_nano = shares_nano + 1"
        " WHERE user_id = {alice} AND market_id = {market}",
        {"fills"},
    ),
    "a fill is gone": (
        "DELETE FROM exchange_fill WHERE user_id = {alice} AND market_id = {market}",
        {"fills"},
    ),
    "a command is missing": (
        "DELETE FROM exchange_command WHERE market_id = {market} AND seq = 2",
        {"I10"},
    ),
    "the last command is missing": (
        "DELETE FROM exchange_command WHERE market_id = {market} AND seq ="
        " (SELECT max(seq) FROM exchange_command WHERE market_id = {market})",
        {"I10"},
    ),
    "a command leaves a gap": (
        "UPDATE exchange_command SET seq = 99 WHERE market_id = {market} AND seq = 2",
        {"I10"},
    ),
    "the counter of commands runs ahead": (
        "UPDATE exchange_livestate SET command_seq = command_seq + 1 WHERE market_id = {market}",
        {"I10"},
    ),
    "the head of a chain is another": (
        f"UPDATE exchange_account SET head = '\\x00' WHERE {CASH}",
        {"I5"},
    ),
    "the version of an account runs ahead": (
        f"UPDATE exchange_account SET version = version + 1 WHERE {CASH}",
        {"I5"},
    ),
    "an entry has no transfer": (
        f"UPDATE exchange_entry SET transfer_id = 10^15 WHERE id = {LAST.format(table='entry')}",
        {"I1"},
    ),
    "an entry has no account": (
        f"UPDATE exchange_entry SET account_id = 10^15 WHERE id = {LAST.format(table='entry')}",
        {"I1"},
    ),
    "a transfer is gone": (
        f"DELETE FROM exchange_transfer WHERE id = {LAST.format(table='transfer')}",
        {"I1"},
    ),
    "a transfer is called otherwise": (
        f"UPDATE exchange_transfer SET ref = 'x' WHERE id = {LAST.format(table='transfer')}",
        {"I5"},
    ),
    "an account is gone": (f"DELETE FROM exchange_account WHERE {CASH}", {"I1", "I5", "I6"}),
    "the outside owes more": (
        "UPDATE exchange_account SET balance_micro = balance_micro - 1 WHERE kind = 'external'",
        {"I5", "I6"},
    ),
    "all entries of an account are gone": (
        "DELETE FROM exchange_entry WHERE account_id ="
        f" (SELECT id FROM exchange_account WHERE {CASH})",
        {"I1", "I5"},
    ),
    "a hold is larger": (
        "UPDATE exchange_hold SET amount_micro = amount_micro + 1",
        {"I8"},
    ),
    "a hold is closed without its money": (
        "UPDATE exchange_hold SET state = 'voided', closed_at = now()",
        {"I8"},
    ),
}


# Alice trades in both markets: without her money neither log can be settled again.
OF_BOTH_MARKETS = {"an account is gone", "all entries of an account are gone"}


@pytest.mark.parametrize("name", MUST_BE_NAMED)
def test_names_what_is_broken(name: str, scene: tuple[Market, User]) -> None:
    market, alice = scene
    sql, rules = MUST_BE_NAMED[name]

    assert edit(sql.format(market=market.pk, alice=alice.pk)) >= 1

    found = {finding["rule"] for finding in audit.examine()}
    assert rules <= found, f"{found} instead of {rules}"
    whole = Market.objects.get(slug="whole").pk
    if name not in OF_BOTH_MARKETS:
        assert not [f for f in audit.examine() if f.get("market") == whole]


OF_THE_MARKET = " WHERE market_id = {market}"
OF_ALICE = " WHERE user_id = {alice} AND market_id = {market}"
STATE = {
    "the fundamental": "UPDATE exchange_livestate"
    " SET state = jsonb_set(state, '{{f_pico}}', '1')" + OF_THE_MARKET,
    "the clock": "UPDATE exchange_livestate"
    " SET state = jsonb_set(state, '{{t_s}}', '1')" + OF_THE_MARKET,
    "the hash": "UPDATE exchange_livestate SET state_hash = '\\x00'" + OF_THE_MARKET,
    "what makes it a state": "UPDATE exchange_livestate SET state = '{{}}'" + OF_THE_MARKET,
    "a figure that is none": "UPDATE exchange_livestate"
    " SET state = jsonb_set(state, '{{window}}', '7')" + OF_THE_MARKET,
    "the counter of batches": "UPDATE exchange_livestate SET batch_seq = batch_seq + 1"
    + OF_THE_MARKET,
    "the hash of a tick": "UPDATE exchange_tick SET state_hash = '\\x00'" + OF_THE_MARKET,
    "all ticks": "DELETE FROM exchange_tick" + OF_THE_MARKET,
    "the newest tick": "DELETE FROM exchange_tick WHERE market_id = {market} AND seq ="
    " (SELECT batch_seq FROM exchange_livestate WHERE market_id = {market})",
    "a tick between two others": "DELETE FROM exchange_tick WHERE market_id = {market} AND seq = 2",
}
LOG = {
    "two commands change places": "UPDATE exchange_command SET seq = CASE seq WHEN 2 THEN 103"
    " ELSE 102 END WHERE market_id = {market} AND seq IN (2, 3);"
    "UPDATE exchange_command SET seq = seq - 100 WHERE market_id = {market} AND seq > 100",
    "what a command asked": "UPDATE exchange_command SET payload = '{{\"amount_micro\": 1}}'"
    + OF_ALICE,
    "a limit that did not bind": "UPDATE exchange_command"
    " SET payload = payload || '{{\"max_cost_micro\": 100000000}}'" + OF_ALICE,
    "a payload that is none": "UPDATE exchange_command SET payload = '7'" + OF_ALICE,
    "when a command was settled": "UPDATE exchange_command SET settled_s = settled_s + 1"
    + OF_ALICE,
    "which batch a command was in": "UPDATE exchange_command SET batch_seq = batch_seq + 1"
    + OF_ALICE,
    "that a command was taken": "UPDATE exchange_command SET accepted = false" + OF_ALICE,
    "what a command was told": "UPDATE exchange_command SET result = '{{}}'" + OF_ALICE,
    "what a fill cost": "UPDATE exchange_fill SET value_micro = value_micro + 1" + OF_ALICE,
    "a price of a tick": "UPDATE exchange_tick SET display_pico = display_pico + 1"
    " WHERE market_id = {market} AND seq = 2",
    "the tick that browsers start from": "UPDATE exchange_livestate"
    " SET last_tick = jsonb_set(last_tick, '{{display}}', '\"1.0\"')" + OF_THE_MARKET,
    "the market's parameters": "UPDATE exchange_market"
    " SET config = jsonb_set(config, '{{fee}}', '\"0.006\"') WHERE id = {market}",
    "what a position cost": "UPDATE exchange_position SET entry_micro = entry_micro + 1" + OF_ALICE,
    "what a stake is owed": "UPDATE exchange_stake SET owed = owed + 1000000" + OF_THE_MARKET,
}


def unnamed(edits: dict[str, str], scene: tuple[Market, User]) -> list[str]:
    """Make each edit alone and return those that the examiner does not notice."""
    market, alice = scene
    missed = []
    for name, sql in edits.items():
        with transaction.atomic():
            edit(sql.format(market=market.pk, alice=alice.pk))
            if audit.examine() == []:
                missed.append(name)
            transaction.set_rollback(True)
    return missed


def test_names_an_edit_of_the_state(scene: tuple[Market, User]) -> None:
    """The state is what its hash, its counters and its ticks say (I9, I10)."""
    assert unnamed(STATE, scene) == []


def test_names_an_edit_of_the_log(scene: tuple[Market, User]) -> None:
    """A replay of the command log gives the fills, the positions and the stakes (I9)."""
    assert unnamed(LOG, scene) == []


def test_a_random_edit_of_the_ledger_never_goes_unnamed(chance: random.Random) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM exchange_entry")
        entries = [row[0] for row in cursor.fetchall()]
    columns = ("amount_micro", "balance_micro", "version", "account_id", "transfer_id")

    for _ in range(scaled(40, 1_000)):
        column, step = chance.choice(columns), chance.choice((-1, 1)) * chance.randint(1, 10**6)
        entry = chance.choice(entries)
        sql = f"UPDATE exchange_entry SET {column} = {column} + %s WHERE id = %s"
        edit(sql, step, entry)
        assert audit.examine() != [], (column, entry, step)
        edit(sql, -step, entry)
    assert audit.examine() == []


def test_names_the_market_and_leaves_no_run(scene: tuple[Market, User]) -> None:
    market, alice = scene
    edit(MUST_BE_NAMED["a position grows"][0].format(market=market.pk, alice=alice.pk))

    findings = audit.examine()

    assert {f["rule"] for f in findings} == {"fills", "long_nano", "I9"}
    assert {f["market"] for f in findings} == {market.pk}
    assert AuditRun.objects.count() == 0
