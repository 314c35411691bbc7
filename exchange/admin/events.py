"""What happened: the public log of each market, the acts of staff, and news on its way out."""

from django.contrib import admin

from exchange.admin.base import ReadOnly
from exchange.models import MarketEvent, OutboxEvent, StaffAction


@admin.register(MarketEvent)
class MarketEventAdmin(ReadOnly):
    """Rules that fired and steps of the lifecycle."""

    list_display = ("id", "market", "kind", "rule", "at")
    list_filter = ("kind", "market")
    list_select_related = ("market",)
    ordering = ("-id",)
    sortable_by = ()


@admin.register(StaffAction)
class StaffActionAdmin(ReadOnly):
    """Who did what, to what, and why."""

    list_display = ("id", "at", "actor", "verb", "target", "reason")
    list_filter = ("verb",)
    list_select_related = ("actor",)
    search_fields = ("=target", "=actor__email")
    search_help_text = "a target as it is written, or an e-mail address"
    ordering = ("-id",)
    sortable_by = ()


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnly):
    """News not yet published; what stays here for more than seconds has no publisher."""

    list_display = ("id", "market", "seq", "created_at")
    list_filter = ("market",)
    list_select_related = ("market",)
    ordering = ("id",)
    sortable_by = ()
