"""Networks, how far they are read, the paying wallets, and the proofs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from chain.clients import endpoints
from chain.models import (
    Backfill,
    HotWallet,
    KeyAccount,
    Network,
    ReserveLeaf,
    ReserveProof,
    ScanState,
)
from chain.services import gas, lag, staff, wallets
from exchange.admin.base import ReadOnly, columns
from exchange.admin.verbs import ReasonForm, Verb, Verbs


class EtherForm(ReasonForm):
    """The reason, and the price."""

    micro = forms.IntegerField(
        min_value=0, label="One ether, in micro-USDC", help_text="2500000000 is 2,500 USDC"
    )


class RangeForm(ReasonForm):
    """The reason, and the range."""

    first = forms.IntegerField(min_value=0, label="First block")
    last = forms.IntegerField(min_value=0, label="Last block", help_text="final already")


@admin.register(Network)
class NetworkAdmin(Verbs):
    """Every chain. Terms are set at installation; staff pause and resume, with a reason."""

    list_display = (
        "name", "chain_id", "is_enabled", "is_compared", "withdrawals_on", "parked_reason",
        "sweeps_on",
        *columns(Network, "withdrawal_fee_micro", "review_above_micro", "day_cap_micro"),
        *columns(Network, "sweep_min_micro", "ether_micro"), "gas_spent_wei",
    )  # fmt: skip
    verbs = (
        Verb(
            name="withdrawals_pause",
            label="Pause withdrawals",
            explained="New withdrawals are refused; what is signed goes on. Logged in public.",
            act=lambda actor, row, reason: staff.withdrawals_set(
                actor=actor, network=row, on=False, reason=reason
            ),
        ),
        Verb(
            name="withdrawals_resume",
            label="Resume withdrawals",
            explained="Withdrawals may be asked for again.",
            act=lambda actor, row, reason: staff.withdrawals_set(
                actor=actor, network=row, on=True, reason=reason
            ),
        ),
        Verb(
            name="sweeps_pause",
            label="Pause sweeps",
            explained="Nothing more is signed towards the treasury; what is signed goes on.",
            act=lambda actor, row, reason: staff.sweeps_set(
                actor=actor, network=row, on=False, reason=reason
            ),
        ),
        Verb(
            name="sweeps_resume",
            label="Resume sweeps",
            explained="Money is moved to the treasury again.",
            act=lambda actor, row, reason: staff.sweeps_set(
                actor=actor, network=row, on=True, reason=reason
            ),
        ),
        Verb(
            name="sweep_now",
            label="Sweep now",
            explained="The next pass looks for what is due, and does not wait for its hour.",
            act=lambda actor, row, reason: staff.sweep_now(actor=actor, network=row, reason=reason),
        ),
        Verb(
            name="ether_price",
            label="Set the price of ether",
            explained="What gas is worth in the books from now on; 0 books it in wei alone.",
            act=lambda actor, row, reason, micro: staff.ether_price_set(
                actor=actor, network=row, micro=micro, reason=reason
            ),
            form=EtherForm,
        ),
    )

    @admin.display(description="Two endpoints", boolean=True)
    def is_compared(self, row: Network) -> bool:
        """Say whether what one endpoint says is compared with another's."""
        return not lag.is_read_alone(row)

    @admin.display(description="Gas spent, wei")
    def gas_spent_wei(self, row: Network) -> int:
        """Return what all settled transactions have cost."""
        return gas.total_wei(row)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the verbs are all that may be done here."""
        return False


@admin.register(ScanState)
class ScanStateAdmin(Verbs):
    """How each chain is read, and what keeps it from going on."""

    list_display = (
        "network", "head_number", "scanned_number", "final_number", "verified_number", "head_at",
        "credited_number", "seconds_behind", "disagrees_reason", "halted_reason", "differing",
        "reconciled_at", "error",
    )  # fmt: skip
    list_select_related = ("network",)
    verbs = (
        Verb(
            name="scan_resume",
            label="Resume a halted scan",
            explained=(
                "The scan compares the chain with what was final once more, and halts again if it"
                " still differs."
            ),
            act=lambda actor, row, reason: staff.scan_resume(actor=actor, state=row, reason=reason),
        ),
        Verb(
            name="balances_reconcile",
            label="Compare balances now",
            explained="Each address's balance on the chain against what arrived by our rows.",
            act=lambda actor, row, reason: staff.reconcile_now(
                actor=actor, state=row, reason=reason
            ),
        ),
        Verb(
            name="backfill",
            label="Read a range again",
            explained=(
                "Final blocks, by every endpoint; what the scan had missed is kept and credited. It"
                " goes on in the background: how far it is, and what it found, stands in the table"
                " of backfills."
            ),
            act=lambda actor, row, reason, first, last: staff.backfill_ask(
                actor=actor, state=row, first=first, last=last, reason=reason
            ),
            form=RangeForm,
        ),
        Verb(
            name="lag_read",
            label="Ask the endpoints how far they are",
            explained="The height of every endpoint now, beside how far we have read.",
            act=lambda actor, row, reason: staff.lag_read(actor=actor, state=row, reason=reason),
        ),
    )

    @admin.display(description="Credited up to")
    def credited_number(self, row: ScanState) -> int:
        """Return up to which block deposits are credited."""
        return lag.lag_of(row).credited

    @admin.display(description="Seconds behind")
    def seconds_behind(self, row: ScanState) -> int:
        """Return about how old the newest block is that was read."""
        return lag.lag_of(row).seconds_behind

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no, as above."""
        return False


@admin.register(Backfill)
class BackfillAdmin(ReadOnly):
    """What is read again, how far that is, and what it found. It is asked for at the scan."""

    list_display = (
        "id", "network", "first", "last", "state", "blocks_left", "logs", "hits", "new",
        "asked_by", "asked_at", "ended_at", "error",
    )  # fmt: skip
    list_select_related = ("network", "asked_by")
    ordering = ("-id",)
    extra = ("state", "blocks_left")


@admin.register(HotWallet)
class HotWalletAdmin(Verbs):
    """The paying wallets as they were last read; one that was halted pays again by this verb."""

    list_display = (
        "network", "address", "next_nonce",
        *columns(HotWallet, "balance_micro", "float_cap_micro"), "gas_wei", "read_at", "swept_at",
        "sweep_reason", "halted_reason",
    )  # fmt: skip
    verbs = (
        Verb(
            name="wallet_resume",
            label="Resume payments",
            explained=(
                "Only where the key is certainly ours alone: what used its nonces was a person of"
                " ours. With a new key, use manage.py chain_wallet instead."
            ),
            act=lambda actor, row, reason: wallets.resume(
                actor=actor, wallet=row, nodes=endpoints.nodes_of(row.network), reason=reason
            ),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no, as above."""
        return False


@admin.register(KeyAccount)
class KeyAccountAdmin(ReadOnly):
    """Which extended public keys addresses come from; the key itself is not shown."""

    list_display = ("purpose", "path", "is_active", "created_at")
    hidden = ("xpub",)


@admin.register(ReserveProof)
class ReserveProofAdmin(ReadOnly):
    """The published proofs."""

    list_display = (
        "at", *columns(ReserveProof, "liabilities_micro", "holdings_micro", "play_micro"),
        *columns(ReserveProof, "paid_micro", "leaving_micro", "arriving_micro"), "leaves_count",
        "root",
    )  # fmt: skip


@admin.register(ReserveLeaf)
class ReserveLeafAdmin(ReadOnly):
    """The leaves, without the salts that bind them to their owners."""

    list_display = ("proof", "index", "account", *columns(ReserveLeaf, "amount_micro"))
    hidden = ("salt",)
