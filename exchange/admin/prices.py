"""Prices over time: ticks with their causes, candles, the oracle's moves."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from exchange import clock
from exchange.admin.base import ReadOnly, columns
from exchange.models import Candle, OracleMove, Tick

TICKS_SHOWN = timedelta(hours=24)


@admin.register(Tick)
class TickAdmin(ReadOnly):
    """The prices after each batch of the last 24 hours; candles go further back."""

    list_display = (
        "market",
        "seq",
        "at",
        *columns(Tick, "market_pico", "fundamental_pico", "display_pico", "volume_micro"),
        "clamped",
    )
    list_filter = ("market", "clamped")
    list_select_related = ("market",)
    ordering = ("-at", "-seq")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Tick]":
        """Return the newest day: the table is cut by day, so older days are not even opened."""
        return super().get_queryset(request).filter(at__gte=clock.now() - TICKS_SHOWN)


@admin.register(Candle)
class CandleAdmin(ReadOnly):
    """The headline price in buckets."""

    list_display = (
        "market",
        "interval_s",
        *columns(Candle, "bucket_s", "open_pico", "high_pico", "low_pico", "close_pico"),
        *columns(Candle, "volume_micro"),
        "trades",
    )
    list_filter = ("interval_s", "market")
    list_select_related = ("market",)
    ordering = ("-id",)
    sortable_by = ()


@admin.register(OracleMove)
class OracleMoveAdmin(ReadOnly):
    """What each oracle event wanted and what the pool could pay for."""

    list_display = (
        "id",
        "market",
        "at",
        "ref",
        *columns(OracleMove, "fundamental_before_pico", "fundamental_pico", "wanted_pico"),
        *columns(OracleMove, "applied_pico", "confidence_e8"),
        "clamps",
    )
    list_filter = ("market",)
    list_select_related = ("market",)
    search_fields = ("=ref",)
    ordering = ("-id",)
    sortable_by = ()
