"""The development chain made a network of the site: its row, its wallets, gas and play money.

Everything here can be repeated at each start; nothing here touches a chain that is not ours.
"""

from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings

from chain.clients.rpc import Node
from chain.clients.signer import Signer
from chain.errors import NodeFault
from chain.models import AddressBookEntry, CredentialChange, HotWallet, KeyAccount, Network
from chain.services import addresses, calls, wallets
from exchange import clock
from exchange.engines.units import MICRO
from exchange.models import User

ENDPOINT = "env:CHAIN_RPC_URL"
PATH = "m/44'/60'/1'"
GAS_WEI = 10**21
FLOAT_MICRO = 20_000 * MICRO
FLOAT_LOW_MICRO = 5_000 * MICRO
FAUCET_MICRO = 100 * MICRO
DEMO_PEOPLE = "@demo.example"
DEMO_TERMS = {
    "name": "Megatron devnet",
    "endpoints": [ENDPOINT],
    "heads": ENDPOINT,
    "token_name": "Test USD",
    "finality_s": 16,
    "block_ms": 1_000,
    "cancel_window_s": 20,
    "stuck_after_s": 15,
    "sweep_every_s": 300,
    "is_demo": True,
}

log = structlog.get_logger()


def prepare(node: Node, signer: Signer) -> Network:
    """Make or refresh the rows of the development chain, and fill its paying wallet.

    Raises:  NodeFault, SignerFault; NodeFault for a chain that is not a development chain.
    """
    info = node.call("devnet_info", [], dict[str, Any])
    if info is None:
        raise NodeFault("this chain is not a development chain")
    about = signer.about()
    network, is_new = Network.objects.get_or_create(
        chain_id=int(info["chainId"], 16),
        defaults={
            **DEMO_TERMS,
            **{n: str(info[n]).lower() for n in ("token", "disperse", "sweeper")},
        },
    )
    if not HotWallet.objects.filter(network=network).exists():
        treasury = str(info["treasury"]).lower()
        wallets.wallet_set(network=network, nodes=[node], signer=signer, treasury=treasury)
    known = KeyAccount.objects.filter(xpub=about["xpub"]).first()
    account = known or addresses.register_xpub(about["xpub"], PATH)
    addresses.make_ahead(account)
    _fill(network, node, about["address"])
    if settings.DEMO:
        _seed_book(network, str(info["faucet"]).lower())
    if is_new:
        log.info("chain.embedded_ready", network=network.name)
    return network


def faucet(network: Network, node: Node, to: str, amount_micro: int = FAUCET_MICRO) -> str:
    """Send test USDC on the development chain and return the transaction's hash.

    Raises:  NodeFault, also for a network that has no faucet.
    """
    if not network.is_demo:
        raise NodeFault("this network has no faucet")
    sent = node.call("devnet_faucet", [to, hex(amount_micro)], str)
    return sent or ""


def _fill(network: Network, node: Node, hot: str) -> None:
    if node.number("eth_getBalance", hot, "latest") < GAS_WEI // 2:
        node.call("anvil_setBalance", [hot, hex(GAS_WEI)], Any)
    if calls.balances(node, network.token, [hot], "latest")[0] < FLOAT_LOW_MICRO:
        faucet(network, node, hot, FLOAT_MICRO)


def _seed_book(network: Network, address: str) -> None:
    """Give the demonstration's people an address that has stood long enough to be paid."""
    before = clock.now() - timedelta(days=3)
    for user in User.objects.filter(email__endswith=DEMO_PEOPLE, is_bot=False):
        if not AddressBookEntry.objects.filter(user=user).exists():
            AddressBookEntry.objects.create(
                user=user,
                network=network,
                address=address,
                label="My other wallet",
                created_at=before,
            )
            CredentialChange.objects.filter(user=user).update(at=before)
