"""What moves to the treasury, and the ether that everything costs."""

from django.contrib import admin

from chain.models import GasReading, Sweep
from exchange.admin.base import ReadOnly, columns


@admin.register(Sweep)
class SweepAdmin(ReadOnly):
    """Every sweep of every address. They are paused and asked for at their network."""

    list_display = (
        "id", "network", "address", *columns(Sweep, "amount_micro"), "token", "state", "gas_slot",
        "slot", "reason", "created_at", "ended_at",
    )  # fmt: skip
    list_filter = ("state", "network")
    list_select_related = ("network", "address", "slot__network", "gas_slot__network")
    search_fields = ("=address__address", "=slot__settled_hash")
    ordering = ("-id",)


@admin.register(GasReading)
class GasReadingAdmin(ReadOnly):
    """The paying wallets' ether: opening + refilled = balance + gas + sent on + missing."""

    list_display = (
        "at", "network", "block", "nonces", "opening_wei", "refilled_wei", "balance_wei", "gas_wei",
        "sent_wei", "missing_wei",
    )  # fmt: skip
    list_filter = ("network",)
    list_select_related = ("network",)
    ordering = ("-id",)
