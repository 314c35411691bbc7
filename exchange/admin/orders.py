"""The command log of every market, and the fills that came of it."""

from django.contrib import admin

from exchange.admin.base import ReadOnly, columns
from exchange.models import Command, Fill, RestingOrder


@admin.register(Command)
class CommandAdmin(ReadOnly):
    """What was asked, in the order it was taken, with the answer it got."""

    list_display = (
        "id",
        "market",
        "seq",
        "kind",
        "user",
        "accepted",
        "key",
        "batch_seq",
        "created_at",
    )
    list_filter = ("kind", "accepted", "market")
    list_select_related = ("market", "user")
    search_fields = ("=user__email", "=key")
    search_help_text = "an e-mail address, or an idempotency key"
    ordering = ("-id",)
    sortable_by = ()


@admin.register(Fill)
class FillAdmin(ReadOnly):
    """Executions against the curve."""

    list_display = (
        "id",
        "market",
        "command_seq",
        "user",
        "side",
        "leg",
        *columns(Fill, "shares_nano", "value_micro", "fee_micro", "price_pico", "realised_micro"),
        "at",
    )
    list_filter = ("side", "market")
    list_select_related = ("market", "user")
    search_fields = ("=user__email",)
    search_help_text = "an e-mail address"
    ordering = ("-id",)
    sortable_by = ()


@admin.register(RestingOrder)
class RestingOrderAdmin(ReadOnly):
    """What waits in a market until its time comes, and what became of it."""

    list_display = (
        "id",
        "market",
        "ref",
        "user",
        "kind",
        "status",
        *columns(RestingOrder, "reserved_micro"),
        "placed_at",
        "changed_at",
    )
    list_filter = ("kind", "status", "market")
    list_select_related = ("market", "user")
    search_fields = ("=user__email",)
    search_help_text = "an e-mail address"
    ordering = ("-id",)
    sortable_by = ()
