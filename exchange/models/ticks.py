"""Prices over time: every tick with its causes, candles, and the oracle's moves."""

from decimal import Decimal

import pgtrigger
from django.db import models

from exchange.models.markets import Market


def _price(help_text: str = "") -> "models.DecimalField[Decimal | int, Decimal]":
    return models.DecimalField(max_digits=38, decimal_places=0, help_text=help_text)


class Tick(models.Model):
    """The prices after one batch, and the parts of the change that brought them about.

    `market_*` parts sum to the change of the market price, `display_*` parts to that of D, exactly.
    The table is partitioned by day; a task makes partitions ahead and drops old ones.
    """

    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="ticks", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField(help_text="the batch; without gap or repeat in a market")
    at = models.DateTimeField()
    market_pico = _price()
    fundamental_pico = _price()
    display_pico = _price()
    weight_e8 = models.IntegerField()
    volume_micro = models.BigIntegerField()
    supply_nano = models.BigIntegerField()
    close_out_pico = _price()
    pool_micro = models.BigIntegerField()
    equity_micro = models.BigIntegerField()
    free_capital_micro = models.BigIntegerField()
    clamped = models.BooleanField()
    market_trades_pico = _price()
    market_oracle_pico = _price()
    market_recentring_pico = _price()
    display_trades_pico = _price()
    display_oracle_pico = _price()
    display_recentring_pico = _price()
    display_window_pico = _price()
    state_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "seq", "at"], name="tick_seq_unique")
        ]

    def __str__(self) -> str:
        return f"tick {self.market_id}/{self.seq}"


class Candle(models.Model):
    """Open, high, low and close of the display price in one bucket, with the closing M and F."""

    market = models.ForeignKey(
        Market,
        on_delete=models.PROTECT,
        related_name="candles",
        db_constraint=False,
        db_index=False,
    )
    interval_s = models.IntegerField(help_text="60, 3600 or 86400")
    bucket_s = models.BigIntegerField(help_text="start of the bucket, seconds since the epoch")
    open_pico = _price()
    high_pico = _price()
    low_pico = _price()
    close_pico = _price()
    market_pico = _price()
    fundamental_pico = _price()
    volume_micro = models.BigIntegerField(default=0)
    trades = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "interval_s", "bucket_s"], name="candle_bucket_unique"
            )
        ]

    def __str__(self) -> str:
        return f"candle {self.market_id} {self.interval_s}s {self.bucket_s}"


class OracleMove(models.Model):
    """One oracle event as the market felt it: wanted, applied, clamped, and by which rule."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="oracle_moves")
    batch_seq = models.BigIntegerField()
    at = models.DateTimeField()
    ref = models.CharField(max_length=64, unique=True, help_text="the run that brought it")
    fundamental_before_pico = _price()
    fundamental_pico = _price()
    target_pico = _price()
    market_pico = _price(help_text="market price after the batch")
    wanted_pico = _price()
    applied_pico = _price()
    confidence_e8 = models.IntegerField()
    clamps = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["market", "-id"], name="oracle_move_recent")]
        triggers = [
            pgtrigger.Protect(
                name="oracle_move_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"oracle move {self.ref}"
