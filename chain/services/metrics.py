"""The figures that the chain's alarms look at."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from django.db.models import F, Sum
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chain.core.withdrawal import State
from chain.models import (
    Backfill,
    Deposit,
    GasReading,
    HotWallet,
    Network,
    NonceSlot,
    ReserveProof,
    ScanState,
    Sweep,
    Withdrawal,
)
from chain.services import gas, lag
from exchange import clock

WITHDRAWALS_WAITING = (State.HELD, State.REVIEW, State.APPROVED, State.SIGNED, State.BROADCAST)


class Chains(Collector):
    """Figures that live in the database, whoever put them there."""

    def describe(self) -> list[Metric]:
        """Name nothing in advance, so that registering reads no table."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read every network's scan, queue and wallet, and the newest proof."""
        yield from _scans()
        yield from _queues()
        newest = ReserveProof.objects.first()
        if newest is not None:
            yield _plain(
                "megatron_reserves_short_micro",
                "Owed and not held, in micro-USDC; alarm above 0",
                newest.shortfall_micro,
            )
            age = (clock.now() - newest.at).total_seconds()
            yield _plain("megatron_reserves_age_seconds", "Since the newest proof", age)


def _scans() -> Iterator[Metric]:
    rows = list(ScanState.objects.select_related("network").filter(network__is_enabled=True))
    now = clock.now()
    gauges: tuple[tuple[str, str, Callable[[ScanState], float]], ...] = (
        ("behind_blocks", "Blocks not read yet", lambda s: s.head_number - s.scanned_number),
        (
            "head_age_seconds",
            "Since a newer head was seen; alarm above a minute",
            lambda s: (now - s.head_at).total_seconds() if s.head_at else 0,
        ),
        ("halted", "1 where the scan was stopped", lambda s: int(s.halted_at is not None)),
        (
            "nodes_disagree",
            "1 while two endpoints show different chains",
            lambda s: int(s.disagrees_at is not None),
        ),
        ("addresses_differing", "Addresses that hold something else", lambda s: s.differing),
        (
            "reconciled_age_seconds",
            "Since balances were compared; alarm above two days",
            lambda s: (now - s.reconciled_at).total_seconds() if s.reconciled_at else 0,
        ),
        (
            "behind_seconds",
            "How old the newest block is that was read, about; alarm above a minute",
            lambda s: lag.lag_of(s).seconds_behind,
        ),
        (
            "credit_behind_blocks",
            "Final blocks whose deposits are not credited yet",
            lambda s: lag.lag_of(s).final - lag.lag_of(s).credited,
        ),
    )
    for name, words, read in gauges:
        yield _by_network(f"megatron_chain_{name}", words, [(s.network, read(s)) for s in rows])


def _queues() -> Iterator[Metric]:
    networks = list(Network.objects.filter(is_enabled=True))
    lost = Deposit.objects.filter(lost_at__isnull=False)
    waiting = Withdrawal.objects.filter(state__in=[s.value for s in WITHDRAWALS_WAITING])
    open_ = NonceSlot.objects.filter(settled_at=None)
    for name, words, rows in (
        ("deposits_lost", "Credited early, then taken out by a reorg; alarm above 0", lost),
        ("withdrawals_waiting", "Withdrawals not mined yet", waiting),
        ("withdrawals_in_review", "Waiting for staff", waiting.filter(state=State.REVIEW.value)),
        ("nonces_open", "Signed transactions not final yet", open_),
    ):
        found = [(network, rows.filter(network=network).count()) for network in networks]
        yield _by_network(f"megatron_chain_{name}", words, found)
    alone = [(network, int(lag.is_read_alone(network))) for network in networks]
    words = "1 where one endpoint's word is compared with no other's; alarm above 0"
    yield _by_network("megatron_chain_one_endpoint", words, alone)
    yield from _sweeps(networks)
    yield from _backfills(networks)
    parked = [(network, int(bool(network.parked_reason))) for network in networks]
    yield _by_network("megatron_chain_parked", "1 while nothing can be paid", parked)
    wallets = HotWallet.objects.select_related("network")
    stuck = [(wallet.network, int(bool(wallet.sweep_reason))) for wallet in wallets]
    yield _by_network("megatron_chain_sweeps_parked", "1 while nothing can be swept", stuck)
    halted = [(wallet.network, int(wallet.halted_at is not None)) for wallet in wallets]
    words = "1 while nothing is signed because a key is suspected; alarm above 0"
    yield _by_network("megatron_chain_wallet_halted", words, halted)
    gas_left = [(wallet.network, float(wallet.gas_wei)) for wallet in wallets]
    yield _by_network("megatron_chain_gas_wei", "The paying wallet's ether, as read", gas_left)
    held = [(wallet.network, wallet.balance_micro) for wallet in wallets]
    yield _by_network("megatron_chain_hot_wallet_micro", "What the paying wallet holds", held)


def _sweeps(networks: Sequence[Network]) -> Iterator[Metric]:
    """Say what is being moved to the treasury, what did not go, and what all of it costs."""
    day = clock.now() - timedelta(days=1)
    failed = Sweep.objects.filter(state=Sweep.State.FAILED, ended_at__gt=day)
    for name, words, rows in (
        ("sweeps_open", "Sweeps not settled yet", Sweep.objects.filter(ended_at=None)),
        ("sweeps_failed", "Sweeps that moved nothing, within a day; alarm above 0", failed),
    ):
        found = [(network, rows.filter(network=network).count()) for network in networks]
        yield _by_network(f"megatron_chain_{name}", words, found)
    spent = [(network, gas.total_wei(network)) for network in networks]
    yield _by_network("megatron_chain_gas_spent_wei", "Gas of all settled transactions", spent)
    newest = [
        (network, reading)
        for network in networks
        if (reading := GasReading.objects.filter(network=network).first())
    ]
    missing = [(network, float(reading.missing_wei)) for network, reading in newest]
    words = "Ether gone from the paying wallet without a row; alarm above 0"
    yield _by_network("megatron_chain_gas_missing_wei", words, missing)


def _backfills(networks: Sequence[Network]) -> Iterator[Metric]:
    """Say what is read again, what could not be, and what the scan had missed."""
    rows = Backfill.objects.all()
    left = Sum(F("last") - F("next_number") + 1)
    failed = rows.filter(ended_at__gt=clock.now() - timedelta(days=1), next_number__lte=F("last"))
    for name, words, read in (
        (
            "backfill_blocks_left",
            "Blocks that are to be read again",
            lambda network: rows.filter(network=network, ended_at=None).aggregate(n=left)["n"],
        ),
        (
            "backfills_given_up",
            "Ranges that could not be read again, within a day; alarm above 0",
            lambda network: failed.filter(network=network).count(),
        ),
        (
            "backfill_deposits_found",
            "Deposits that only a backfill has found; alarm when it rises",
            lambda network: rows.filter(network=network).aggregate(n=Sum("new"))["n"],
        ),
    ):
        found = [(network, float(read(network) or 0)) for network in networks]
        yield _by_network(f"megatron_chain_{name}", words, found)


def _by_network(name: str, words: str, found: Sequence[tuple[Network, float]]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, words, labels=["network"])
    for network, value in found:
        gauge.add_metric([network.name], value)
    return gauge


def _plain(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def register() -> None:
    """Offer these figures to scrapers; called once, when the app is ready."""
    REGISTRY.register(Chains())
