"""Deposits and the addresses they came to."""

from django.contrib import admin

from chain.models import Deposit, DepositAddress, ScannedBlock
from exchange.admin.base import ReadOnly, columns


@admin.register(Deposit)
class DepositAdmin(ReadOnly):
    """Every transfer to us. Nobody credits one by hand: a block that is final does."""

    list_display = (
        "id", "network", "user", *columns(Deposit, "amount_micro"), "state", "block_number",
        "seen_at", "credited_at", "final_at", "lost_at",
    )  # fmt: skip
    list_filter = ("state", "network")
    list_select_related = ("network", "user")
    search_fields = ("=tx_hash", "=user__email", "=address__address")
    ordering = ("-id",)


@admin.register(DepositAddress)
class DepositAddressAdmin(ReadOnly):
    """Every address that was made."""

    list_display = ("index", "address", "user", "assigned_at")
    list_select_related = ("user",)
    search_fields = ("=address", "=user__email")
    ordering = ("-id",)


@admin.register(ScannedBlock)
class ScannedBlockAdmin(ReadOnly):
    """The blocks by which a reorg is noticed."""

    list_display = ("network", "number", "hash", "at")
    list_select_related = ("network",)
    ordering = ("-id",)
