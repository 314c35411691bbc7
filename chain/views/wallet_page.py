"""The wallet: the deposit address, what is on its way in and out, the faucet of the demo."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chain.clients import endpoints
from chain.core.addresses import fault_of
from chain.errors import NodeFault
from chain.forms import FaucetForm
from chain.hashing import checksummed, keccak256
from chain.models import Network, ScanState
from chain.selectors import access, wallet
from chain.services import addresses, embedded_setup, lag, withdrawal_rules
from exchange import clock
from exchange.errors import NotFound
from exchange.models import User
from exchange.views.edge import page

SHOWN = 20
FAUCET_EVERY_S = 30
QR_SCALE, QR_BORDER = 5, 2
# A head that is older than so many blocks says that the chain is not being read.
STALE_BLOCKS, STALE_S_LEAST = 20, 30


@page
@login_required
@require_safe
def wallet_page(request: HttpRequest) -> HttpResponse:
    """Show the wallet."""
    assert isinstance(request.user, User)
    context = _context(request.user, request.GET.get("network"))
    return render(request, "chain/wallet_page.html", context)


@page
@login_required
@require_safe
def wallet_moves(request: HttpRequest) -> HttpResponse:
    """Return what moves: deposits, withdrawals and how the chain is read."""
    assert isinstance(request.user, User)
    context = _moving(request.user, _wanted(request.GET.get("network")))
    return render(request, "chain/partials/_moves.html", context)


@page
@login_required
@require_POST
def faucet(request: HttpRequest) -> HttpResponse:
    """Send test USDC on the demonstration's own chain, now and then."""
    assert isinstance(request.user, User)
    network = access.network_named(request.POST.get("network"))
    if not (settings.DEMO and network.is_demo):
        raise NotFound("there is no faucet here")
    form = FaucetForm(request.POST)
    wanted = form.cleaned_data["address"] if form.is_valid() else "?"
    to = wanted or checksummed(addresses.address_of(request.user).address)
    if fault_of(to, keccak256):
        messages.error(request, "This is not an address: copy it again, whole.")
    elif not cache.add(f"faucet:{request.user.pk}", 1, FAUCET_EVERY_S):
        messages.warning(request, f"The faucet pays once in {FAUCET_EVERY_S} seconds.")
    else:
        _pay(request, network, to.lower())
    return redirect(f"{reverse('wallet')}?network={network.chain_id}")


def _pay(request: HttpRequest, network: Network, to: str) -> None:
    try:
        embedded_setup.faucet(network, endpoints.nodes_of(network)[0], to)
    except NodeFault:
        messages.error(request, "The chain does not answer at the moment. Try again shortly.")
    else:
        messages.success(request, f"100 test USDC are on their way to {checksummed(to)}.")


def _wanted(named: str | None) -> Network | None:
    """Return the network that is asked for, None where none is set up at all. Raises NotFound."""
    return access.network_named(named) if named or access.networks() else None


def _context(user: User, named: str | None) -> dict[str, Any]:
    network = _wanted(named)
    if network is None:
        return {"network": None}
    try:
        address = checksummed(addresses.address_of(user).address)
    except NodeFault:
        return {"network": None}
    code = segno.make(address, error="m", micro=False)
    return {
        **_moving(user, network),
        "networks": access.networks(),
        "address": address,
        "qr": code.svg_data_uri(scale=QR_SCALE, border=QR_BORDER, light="#fff", dark="#000"),
        "limits": withdrawal_rules.limits_of(user, network),
        "book": wallet.book_of(user, network),
        "has_faucet": settings.DEMO and network.is_demo,
        "token": checksummed(network.token),
    }


def _moving(user: User, network: Network | None) -> dict[str, Any]:
    scan = ScanState.objects.filter(network=network).first() if network else None
    return {
        "network": network,
        "scan": scan,
        "health": _health(network, scan),
        "is_read_alone": network is not None and lag.is_read_alone(network),
        "deposits": wallet.deposits_of(user, network, limit=SHOWN)[:SHOWN],
        "withdrawals": wallet.withdrawals_of(user, network, limit=SHOWN)[:SHOWN],
    }


def _health(network: Network | None, scan: ScanState | None) -> str:
    """Say in one word how the chain is read: live, waiting, stale, disagrees or halted."""
    if network is None or scan is None or scan.head_at is None:
        return "waiting"
    if scan.halted_at is not None:
        return "halted"
    if scan.disagrees_at is not None:
        return "disagrees"
    age_s = (clock.now() - scan.head_at).total_seconds()
    patience_s = max(STALE_S_LEAST, STALE_BLOCKS * network.block_ms // 1_000)
    return "stale" if age_s > patience_s else "live"
