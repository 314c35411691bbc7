"""The command log of every market, and the fills that came of it."""

from django.contrib import admin

from exchange.admin.base import EMPTY, ReadOnly, columns
from exchange.ids import public_id
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
        "opens_barred",
        "created_at",
    )
    list_filter = ("kind", "accepted", "market")
    list_select_related = ("market", "user")
    search_fields = ("=user__email", "=key")
    search_help_text = "an e-mail address, or an idempotency key"
    ordering = ("-id",)
    sortable_by = ()
    hidden = ("barred",)
    extra = ("opens_barred",)

    @admin.display(description="opens barred in its batch", empty_value=EMPTY)
    def opens_barred(self, command: Command) -> str | None:
        """Return whose opens the batch refused; it stands on the first command of each batch."""
        if command.barred is None:
            return None
        if command.barred is True:
            return "everybody's"
        names = ", ".join(public_id("usr", key) for key in command.barred)
        return f"those of {names}"


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
        "cause",
        "ref",
        *columns(
            Fill,
            "shares_nano",
            "value_micro",
            "fee_micro",
            "penalty_micro",
            "price_pico",
            "realised_micro",
            "escrow_micro",
        ),
        "at",
    )
    list_filter = ("side", "cause", "market")
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
        "place",
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
