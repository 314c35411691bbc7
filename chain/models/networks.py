"""A chain as a row: its nodes, the token that counts, when a block is final; and the scan."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from chain.core.finality import Policy
from exchange import clock

ADDRESS = r"^0x[0-9a-f]{40}$"
HASH = r"^0x[0-9a-f]{64}$"
ADDRESS_CHARACTERS, HASH_CHARACTERS = 42, 66


class AddressField(models.CharField):  # type: ignore[type-arg]  # the stub is generic
    """An address in lower case; pages spell it by EIP-55."""

    def __init__(self, *args: object, **options: object) -> None:
        options["max_length"] = ADDRESS_CHARACTERS
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as they came


class HashField(models.CharField):  # type: ignore[type-arg]  # the stub is generic
    """A hash of 32 bytes, in lower-case hex."""

    def __init__(self, *args: object, **options: object) -> None:
        options["max_length"] = HASH_CHARACTERS
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as they came


class Network(models.Model):
    """One EVM chain. Endpoints are names of environment variables, or loopback addresses."""

    chain_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=40)
    endpoints = ArrayField(
        models.CharField(max_length=200),
        help_text="env:NAME for each RPC endpoint; two or more in production, compared",
    )
    heads = models.CharField(
        max_length=200, blank=True, help_text="env:NAME of a WebSocket that tells of new heads"
    )
    token = AddressField(help_text="the only contract whose transfers are credited")
    token_name = models.CharField(max_length=40, default="USD Coin")
    token_version = models.CharField(max_length=8, default="2")
    bridged_token = AddressField(blank=True, help_text="shown when it arrives, never credited")
    disperse = AddressField(blank=True, help_text="our contract that pays several at once")
    sweeper = AddressField(blank=True, help_text="our contract that collects deposits")
    explorer_url = models.CharField(max_length=120, blank=True)

    finality_s = models.IntegerField(default=1_200, help_text="how long finality usually takes")
    block_ms = models.IntegerField(default=250)
    finality_blocks = models.IntegerField(
        default=0, help_text="0: by the node's tags; else that many blocks deep is final"
    )
    safe_up_to_micro = models.BigIntegerField(
        default=0, help_text="amounts up to this are credited at safe; 0: none"
    )
    safe_user_cap_micro = models.BigIntegerField(default=0)
    safe_total_cap_micro = models.BigIntegerField(default=0)
    deposit_min_micro = models.BigIntegerField(default=1_000_000)
    start_block = models.BigIntegerField(default=0)

    withdrawal_fee_micro = models.BigIntegerField(default=100_000)
    withdrawal_min_micro = models.BigIntegerField(default=1_000_000)
    review_above_micro = models.BigIntegerField(default=1_000_000_000)
    day_cap_micro = models.BigIntegerField(
        default=50_000_000_000, help_text="of everybody's withdrawals within a day"
    )
    cancel_window_s = models.IntegerField(default=60)
    max_fee_wei = models.BigIntegerField(
        default=10**11, help_text="no transaction offers more per gas"
    )
    tip_wei = models.BigIntegerField(default=0)
    stuck_after_s = models.IntegerField(default=60, help_text="then the fee is raised by an eighth")
    sweeps_on = models.BooleanField(default=True)
    sweep_every_s = models.IntegerField(default=3_600)
    sweep_min_micro = models.BigIntegerField(
        default=50_000_000, help_text="less than this stays at a deposit address"
    )
    sweep_cost_times = models.IntegerField(
        default=50, help_text="so many times its gas must be there; counts where ether has a price"
    )
    ether_micro = models.BigIntegerField(
        default=0, help_text="price of one ether; 0: gas is booked in wei alone"
    )
    is_demo = models.BooleanField(default=False, help_text="has a faucet; its money is play money")
    is_enabled = models.BooleanField(default=True)
    withdrawals_on = models.BooleanField(default=True)
    parked_reason = models.CharField(max_length=120, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(token__regex=ADDRESS), name="network_token_form"),
            models.CheckConstraint(
                condition=Q(block_ms__gt=0, finality_s__gte=0, finality_blocks__gte=0),
                name="network_finality_sane",
            ),
            models.CheckConstraint(
                condition=Q(
                    withdrawal_fee_micro__gte=0,
                    withdrawal_min_micro__gt=0,
                    deposit_min_micro__gte=0,
                    day_cap_micro__gte=0,
                    max_fee_wei__gt=0,
                ),
                name="network_amounts_sane",
            ),
            models.CheckConstraint(
                condition=Q(
                    sweep_every_s__gte=0,
                    sweep_min_micro__gt=0,
                    sweep_cost_times__gte=0,
                    ether_micro__gte=0,
                ),
                name="network_sweeps_sane",
            ),
            models.CheckConstraint(
                condition=Q(parked_reason="", parked_at__isnull=True)
                | (~Q(parked_reason="") & Q(parked_at__isnull=False)),
                name="network_parked_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def policy(self) -> Policy:
        """When a block of this chain counts."""
        return Policy(
            seconds=self.finality_s,
            block_ms=self.block_ms,
            blocks=self.finality_blocks,
            safe_up_to_micro=self.safe_up_to_micro,
            safe_user_cap_micro=self.safe_user_cap_micro,
            safe_total_cap_micro=self.safe_total_cap_micro,
        )


class ScanState(models.Model):
    """How far a chain is read, by whom, and what keeps it from going on."""

    network = models.OneToOneField(Network, on_delete=models.CASCADE, related_name="scan")
    lease_owner = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    scanned_number = models.BigIntegerField(default=-1, help_text="read up to here")
    final_number = models.BigIntegerField(default=-1, help_text="never moves back")
    final_hash = HashField(blank=True)
    verified_number = models.BigIntegerField(
        default=-1, help_text="a second endpoint showed the same transfers up to here"
    )
    head_number = models.BigIntegerField(default=-1)
    safe_number = models.BigIntegerField(default=-1)
    head_at = models.DateTimeField(null=True, blank=True, help_text="when a newer head was seen")
    sizes = models.JSONField(default=dict, help_text="the working range of each endpoint")
    disagrees_reason = models.CharField(max_length=200, blank=True)
    disagrees_at = models.DateTimeField(null=True, blank=True)
    halted_reason = models.CharField(max_length=200, blank=True)
    halted_at = models.DateTimeField(null=True, blank=True)
    differing = models.IntegerField(
        default=0, help_text="addresses whose balance is not what arrived by the rows"
    )
    reconciled_at = models.DateTimeField(
        null=True, blank=True, help_text="when balances were last compared"
    )
    error = models.CharField(max_length=200, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(final_number__lte=models.F("scanned_number")),
                name="scan_final_was_scanned",
            ),
            models.CheckConstraint(
                condition=Q(final_number=-1) | Q(final_hash__regex=HASH), name="scan_final_hash"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="scan_final_never_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__final_number__gt=pgtrigger.F("new__final_number")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.network} up to {self.scanned_number}"


class ScannedBlock(models.Model):
    """A block that was read and is not yet final, with its parent: what a reorg is noticed by."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="blocks")
    number = models.BigIntegerField()
    hash = HashField()
    parent = HashField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "number"], name="scanned_block_once"),
            models.CheckConstraint(
                condition=Q(number__gte=0, hash__regex=HASH), name="scanned_block_form"
            ),
        ]

    def __str__(self) -> str:
        return f"block {self.number}"
