"""The audit of each minute reads what is new, the full one everything; neither hides the other."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.core import REGISTRY

from exchange import clock
from exchange.models import Account, AccountMark, AuditRun, Entry, Market, MarketMark
from exchange.services import audit, ledger, marks
from exchange.tasks import audit_full, audit_run
from tests.factories import active_market, buy, funded_user, key, usdc
from tests.forgery import edit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_books]


DAY_S = 86_400


@pytest.fixture
def market(db: None) -> Market:
    """Return a market that traded before a clean audit and after it."""
    market, alice = active_market("oil"), funded_user("1000")
    buy(alice, market, "50")
    assert audit.run().ok
    buy(alice, market, "60")
    ledger.hold(user_id=alice.pk, amount_micro=usdc("5"), ref=key())
    return market


def rules(run: AuditRun) -> set[str]:
    return {finding["rule"] for finding in run.findings}


def test_the_first_examination_is_a_full_one() -> None:
    funded_user("10")

    assert [audit.run().full, audit.run().full] == [True, False]


def test_a_clean_audit_moves_the_marks_to_what_it_saw(market: Market) -> None:
    assert audit.run().ok

    accounts = Account.objects.order_by("id").values_list("id", "balance_micro", "version")
    marked = AccountMark.objects.order_by("account_id")
    assert list(marked.values_list("account_id", "balance_micro", "version")) == list(accounts)
    assert MarketMark.objects.get().command_seq == 3
    assert marks.changed() == []


def test_a_mark_never_goes_back(market: Market) -> None:
    early = marks.seen()
    buy(funded_user("100"), market, "10")
    audit.run()

    marks.move(early)

    assert marks.changed() == []


NEWEST = "(SELECT max(id) FROM exchange_entry)"
BACK_TO_ITS_MARK = """
    UPDATE exchange_account a
       SET balance_micro = m.balance_micro, version = m.version, head = m.head
      FROM exchange_accountmark m WHERE m.account_id = a.id AND kind = 'treasury'"""
NEW_EDITS: dict[str, tuple[str, set[str]]] = {
    "an amount": (
        f"UPDATE exchange_entry SET amount_micro = amount_micro + 1 WHERE id = {NEWEST}",
        {"I1", "I5"},
    ),
    "an entry is gone": (f"DELETE FROM exchange_entry WHERE id = {NEWEST}", {"I1", "I5"}),
    "a balance": (
        "UPDATE exchange_account SET balance_micro = balance_micro + 1 WHERE kind = 'treasury'",
        {"I5", "I6", "treasury_micro"},
    ),
    "an account is gone": (
        "DELETE FROM exchange_account WHERE kind = 'treasury'",
        {"I5", "I6", "treasury_micro"},
    ),
    "an account is put back to its mark": (
        BACK_TO_ITS_MARK,
        {"I6", "treasury_micro"},
    ),
    "a command is gone": ("DELETE FROM exchange_command WHERE seq = 3", {"I10"}),
    "a tick is gone": ("DELETE FROM exchange_tick WHERE seq = 3", {"I10"}),
    "the state": (
        "UPDATE exchange_livestate SET state = jsonb_set(state, '{f_pico}', '1')",
        {"I9"},
    ),
}


@pytest.mark.parametrize("name", NEW_EDITS)
def test_the_minute_names_what_was_edited_since(market: Market, name: str) -> None:
    sql, named = NEW_EDITS[name]
    assert edit(sql) == 1

    run = audit.run()

    assert not run.full
    assert rules(run) == named


def test_a_finding_stays_until_it_is_mended(market: Market) -> None:
    step = f"UPDATE exchange_entry SET amount_micro = amount_micro + %s WHERE id = {NEWEST}"
    edit(step, 1)

    assert [audit.run().ok, audit.run().ok] == [False, False]

    edit(step, -1)
    assert audit.run().ok


def test_what_was_edited_before_is_named_by_the_full_audit(market: Market) -> None:
    edit("UPDATE exchange_entry SET hash = '\\x00' WHERE id = (SELECT min(id) FROM exchange_entry)")
    edit("UPDATE exchange_command SET payload = '{}' WHERE seq = 2")

    minute, full = audit.run(), audit.run(full=True)

    assert minute.ok
    assert rules(full) == {"I5", "I9"}


def test_the_alarm_keeps_what_the_full_audit_found(market: Market) -> None:
    edit("UPDATE exchange_command SET result = '{}' WHERE seq = 2")
    assert audit_run() is True
    assert REGISTRY.get_sample_value("megatron_audit_findings") == 0

    with clock.shifted(DAY_S):
        assert audit_full() is False
    assert audit_run() is True

    assert REGISTRY.get_sample_value("megatron_audit_findings") == 1


def test_the_full_audit_runs_once_a_day(market: Market) -> None:
    for shift_s, runs in ((0, 1), (DAY_S - 60, 1), (DAY_S, 2), (DAY_S + 60, 2)):
        with clock.shifted(shift_s):
            assert audit_full() is True
        assert AuditRun.objects.filter(full=True).count() == runs


def test_the_minute_reads_no_more_for_a_longer_history(market: Market) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert audit.run().ok
        return len(queries)

    audit.run()
    before = cost()
    alice = funded_user("1000")
    for _ in range(20):
        buy(alice, market, "5")

    assert cost() <= before + 2  # the marks of accounts and of markets


@pytest.mark.parametrize(("words", "kind"), [([], "audit"), (["--full"], "full audit")])
def test_the_command_prints_a_verdict(market: Market, words: list[str], kind: str) -> None:
    out = StringIO()

    call_command("audit", *words, stdout=out)

    assert out.getvalue().startswith(f"{kind} {AuditRun.objects.latest('id').pk}: clean, ")


def test_the_command_prints_findings_and_fails(market: Market) -> None:
    edit("UPDATE exchange_command SET result = '{}' WHERE seq = 2")
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("audit", "--full", stdout=out)

    assert '"what": "answer", "command": 2' in out.getvalue()


def test_one_broken_check_does_not_crowd_out_the_others(market: Market, monkeypatch: Any) -> None:
    monkeypatch.setattr(audit, "FINDINGS_OF_A_CHECK", 2)
    edit("UPDATE exchange_entry SET hash = '\\x00'")

    found = [finding["rule"] for finding in audit.examine()]

    assert Entry.objects.count() > 2
    assert found.count("I5") == 2
