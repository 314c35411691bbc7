"""What people have in markets: positions, and stakes in pools."""

from django.contrib import admin

from exchange.admin.base import ReadOnly, columns
from exchange.models import Position, Stake


@admin.register(Position)
class PositionAdmin(ReadOnly):
    """One net position per user and market."""

    list_display = (
        "user",
        "market",
        *columns(
            Position,
            "shares_nano",
            "entry_micro",
            "escrow_micro",
            "realised_micro",
            "stop_pico",
            "target_pico",
        ),
        "exit_ref",
    )
    list_filter = ("market",)
    list_select_related = ("user", "market")
    search_fields = ("=user__email",)
    search_help_text = "an e-mail address"
    ordering = ("-id",)
    sortable_by = ()


@admin.register(Stake)
class StakeAdmin(ReadOnly):
    """One provider's units in one pool."""

    list_display = (
        "user",
        "market",
        *columns(Stake, "units_nano", "locked_nano", "instant_nano", "claimed_micro"),
    )
    list_filter = ("market",)
    list_select_related = ("user", "market")
    search_fields = ("=user__email",)
    search_help_text = "an e-mail address"
    ordering = ("-id",)
    sortable_by = ()
