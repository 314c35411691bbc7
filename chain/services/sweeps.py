"""Sweeping to the treasury: what lies at deposit addresses, and the paying wallet's excess.

Authorisations of many addresses travel in one transaction of the paying wallet; the addresses need
no ether, and a leg that fails stops no other. Nobody's balance changes. Nonce, signature, raw bytes
and the sweeps are stored in one transaction under the wallet's lock; the pump sends them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q, Sum

from chain.clients.rpc import Node
from chain.clients.signer import Signer
from chain.core import sweeping
from chain.core.withdrawal import State as Asked
from chain.errors import SignerRefused
from chain.models import DepositAddress, HotWallet, Network, NonceSlot, ScanState, Sweep, Withdrawal
from chain.services import calls, locks, payouts, sweep_classic, sweep_close, sweep_due
from chain.services.final_line import header
from chain.services.payouts import Fees, Parked
from chain.services.seams import crash_here
from chain.services.sweep_due import Due
from exchange import clock

# By the chain's time. Longer than a transaction waits; short, for only its end lets one try again.
VALID_S = 3_600
AGAIN = timedelta(minutes=1)
NOT_SIGNED = (Asked.HELD.value, Asked.REVIEW.value, Asked.APPROVED.value)
Purpose = NonceSlot.Purpose

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of sweeping works with."""

    network: Network
    node: Node
    signer: Signer
    treasury: str
    xpub: str
    fees: Fees
    final: int

    def least_micro(self, gas: int) -> int:
        """Return from which amount an address is worth so much gas."""
        net = self.network
        return sweeping.least_micro(
            floor_micro=net.sweep_min_micro,
            times=net.sweep_cost_times,
            cost_wei=gas * self.fees.max_fee,
            ether_micro=net.ether_micro,
        )


def sweeps_advance(*, network: Network, nodes: Sequence[Node], signer: Signer) -> int:
    """End what is decided, carry plain transfers on, and when it is time, sweep what is due.

    Returns how many sweeps were begun. Raises NodeFault, SignerFault.
    """
    sweep_close.close_due(network=network, nodes=nodes)
    if not network.sweeps_on:
        return 0
    try:
        payouts.require_trusted(network)
        sweep_classic.carry_on(network=network, node=nodes[0], signer=signer)
        begun = _sweep(network, nodes[0], signer) if _take_turn(network) else None
    except Parked as why:
        _note(network, str(why))
        _look_again(network)
        return 0
    if begun is not None:
        _note(network, "")
    return begun or 0


def _take_turn(network: Network) -> bool:
    """Say whether this process is the one that looks now. Locks: a conditional update."""
    before = clock.now() - timedelta(seconds=network.sweep_every_s)
    due = Q(swept_at=None) | Q(swept_at__lte=before)
    rows = HotWallet.objects.filter(due, network=network).exclude(treasury="")
    return rows.update(swept_at=clock.now()) == 1


def _look_again(network: Network) -> None:
    """Let the next look come soon: what keeps money from moving is mended within minutes."""
    soon = max(timedelta(0), timedelta(seconds=network.sweep_every_s) - AGAIN)
    HotWallet.objects.filter(network=network).update(swept_at=clock.now() - soon)


def _sweep(network: Network, node: Node, signer: Signer) -> int:
    """Sweep everything that is due, then the wallet's own excess. Raises Parked, NodeFault."""
    this = _ready(network, node, signer)
    begun = 0
    tokens = [network.bridged_token] if network.bridged_token else []
    if network.sweeper:
        least = this.least_micro(sweeping.GAS_LEG)
        due = sweep_due.due(
            network, node, network.token, xpub=this.xpub, least_micro=least, final=this.final
        )
        # where gas is short the rest waits: each batch has to pay for itself as well
        while due and (legs := _legs(network, node, this.fees)):
            begun += _sign_batch(this, due[:legs])
            due = due[legs:]
    else:
        tokens.append(network.token)
    least = this.least_micro(sweeping.GAS_TRANSFER + sweeping.GAS_TOPUP)
    for token in tokens:
        found = sweep_due.due(
            network, node, token, xpub=this.xpub, least_micro=least, final=this.final
        )
        for each in found[: sweeping.LEGS_MOST]:
            begun += sweep_classic.begin(network, token, each, xpub=this.xpub)
    _skim(this)
    return begun


def _ready(network: Network, node: Node, signer: Signer) -> Round:
    """Return what a round works with. Raises Parked where nothing may move now, NodeFault."""
    hot = HotWallet.objects.get(network=network)
    state = ScanState.objects.filter(network=network).first()
    if state is None or state.final_number < 0 or state.halted_at or state.disagrees_at:
        raise Parked("the chain is not read to a final block, or is in doubt")
    if not calls.is_there(node, network.token, state.final_number):
        raise Parked("the token is newer than the newest final block")
    ours = DepositAddress.objects.filter(address=hot.treasury).exists()
    if ours or hot.treasury in {hot.address, network.token, network.sweeper}:
        raise Parked("the treasury is one of our own working addresses")
    if calls.is_paused(node, network.token):
        raise Parked("the token is paused by its issuer")
    if calls.denied(node, network.token, [hot.treasury]):
        raise Parked("the token's issuer does not let the treasury receive")
    if network.sweeper:
        _require_sweeper(network, node, hot, state.final_number)
    fees = payouts.fees_now(network, node)
    if not _legs(network, node, fees):
        raise Parked("the hot wallet has too little ether for gas")
    return Round(
        network=network,
        node=node,
        signer=signer,
        treasury=hot.treasury,
        xpub=signer.about()["xpub"],
        fees=fees,
        final=state.final_number,
    )


def _legs(network: Network, node: Node, fees: Fees) -> int:
    return sweeping.legs_most(payouts.spare_wei(network, node) // fees.max_fee)


def _require_sweeper(network: Network, node: Node, hot: HotWallet, final: int) -> None:
    if not calls.is_there(node, network.sweeper, final):
        raise Parked("there is no Sweeper at its address yet")
    if calls.sweeper_ends(node, network.sweeper) != (network.token, hot.treasury):
        raise Parked("the Sweeper moves another token, or pays another treasury")


def _sign_batch(this: Round, due: Sequence[Due]) -> int:
    """Sign authorisations and the transaction that plays them; return how many.

    Locks:   the hot wallet. Raises Parked, SignerFault, NodeFault.
    """
    crash_here("sweep.before_sign")
    valid_before = int(header(this.node, "latest").timestamp, 16) + VALID_S
    try:
        with transaction.atomic():
            hot = locks.hot_wallet_at_once(this.network)
            if hot is None:
                return 0
            # somebody may have moved it since it was looked up
            left = sweep_due.movable(this.network, this.network.token, this.xpub)
            rows = [row for row in due if left.get(row.address.pk, 0) >= row.amount_micro]
            if rows:
                _sign_rows(this, hot, rows, valid_before)
            crash_here("sweep.in_sign")
    except SignerRefused as refusal:
        _after_refusal(this, refusal)
        return 0
    crash_here("sweep.after_sign")
    return len(rows)


def _sign_rows(this: Round, hot: HotWallet, rows: Sequence[Due], valid_before: int) -> None:
    network = this.network
    legs = [_authorized(this, row, valid_before) for row in rows]
    slot = payouts.allot(
        network,
        hot,
        purpose=Purpose.SWEEP,
        to=network.sweeper,
        data=calls.sweep(legs),
        gas=sweeping.GAS_SWEEP + sweeping.GAS_LEG * len(legs),
        amount_micro=sum(leg.amount_micro for leg in legs),
    )
    Sweep.objects.bulk_create(
        Sweep(
            network=network,
            address=row.address,
            token=network.token,
            amount_micro=leg.amount_micro,
            authorization=leg.nonce,
            valid_before_s=valid_before,
            slot=slot,
        )
        for row, leg in zip(rows, legs, strict=True)
    )
    payouts.sign_attempt(slot, this.signer, this.fees)


def _authorized(this: Round, row: Due, valid_before: int) -> calls.Leg:
    # by chance, and not counted: a database that was restored must not meet a nonce it has used
    nonce = "0x" + secrets.token_bytes(32).hex()
    signed = this.signer.authorize(
        chain_id=this.network.chain_id,
        index=row.address.index,
        to=this.treasury,
        amount_micro=row.amount_micro,
        valid_before_s=valid_before,
        nonce=nonce,
    )
    if signed.owner != row.address.address:
        raise Parked("the signer has other keys than those of our deposit addresses")
    return calls.Leg(
        owner=signed.owner,
        amount_micro=row.amount_micro,
        valid_before_s=valid_before,
        nonce=nonce,
        v=signed.v,
        r=signed.r,
        s=signed.s,
    )


def _skim(this: Round) -> None:
    """Pay what the wallet has above its cap, and nobody waits for, to the treasury.

    Locks:   the hot wallet. Raises Parked, SignerFault, NodeFault.
    """
    network, own = this.network, HotWallet.objects.get(network=this.network).address
    now, then = (
        calls.balances(this.node, network.token, [own], block)[0]
        for block in ("latest", this.final)
    )
    try:
        with transaction.atomic():
            hot = locks.hot_wallet_at_once(network)
            running = Q(network=network, purpose=Purpose.EXCESS, settled_at=None)
            if hot is None or NonceSlot.objects.filter(running).exists():
                return
            asked = Withdrawal.objects.filter(network=network, state__in=NOT_SIGNED)
            waiting = asked.aggregate(total=Sum("amount_micro"))["total"] or 0
            excess = sweeping.excess_micro(
                held=min(now, then),
                promised=waiting + payouts.underway_micro(network),
                cap=hot.float_cap_micro,
                floor_micro=network.sweep_min_micro,
            )
            if excess:
                slot = payouts.allot(
                    network, hot, purpose=Purpose.EXCESS, to=network.token,
                    data=calls.transfer(this.treasury, excess), gas=payouts.GAS_PAYOUT,
                    amount_micro=excess,
                )  # fmt: skip
                payouts.sign_attempt(slot, this.signer, this.fees)
            crash_here("sweep.in_skim")
    except SignerRefused as refusal:
        _after_refusal(this, refusal)


def _after_refusal(this: Round, refusal: SignerRefused) -> None:
    """Burn a nonce whose signature was lost; anything else keeps everything where it is."""
    if refusal.rule != "nonce":
        raise Parked(f"the signer refuses: {refusal.message}") from refusal
    payouts.burn(this.network, this.signer, this.fees)


def _note(network: Network, words: str) -> None:
    if words:
        log.warning("chain.sweeps_parked", network=network.name, reason=words)
    HotWallet.objects.filter(network=network).update(sweep_reason=words[:120])
