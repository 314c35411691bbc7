"""One line each for a network, somebody with a deposit address, and scans."""

import itertools
import secrets
from collections.abc import Sequence
from typing import Any

from bip32 import BIP32

from chain.clients.rpc import Node
from chain.models import DepositAddress, KeyAccount, Network
from chain.services import addresses, scanner
from chain.services.scanner import Report
from exchange.models import Account, User
from tests.chain.driver import Chain
from tests.factories import funded_user

PATH = "m/44'/60'/1'"
_numbers = itertools.count(1)


def key_account() -> KeyAccount:
    """Return the key of this test's deposits: chains outlive tests, so no two share addresses."""
    known = KeyAccount.objects.filter(is_active=True).first()
    if known is not None:
        return known
    return addresses.register_xpub(
        BIP32.from_seed(secrets.token_bytes(32)).get_xpub_from_path(PATH), PATH
    )


def network_of(chain: Chain, **fields: Any) -> Network:
    """Return a network row for a chain, read from its present height on."""
    fields = {
        "name": f"Local {next(_numbers)}",
        "endpoints": [],
        "token": chain.token,
        "deposit_min_micro": 1,
        "start_block": chain.height + 1,
        **fields,
    }
    row, _ = Network.objects.update_or_create(chain_id=chain.chain_id, defaults=fields)
    return row


def depositor(cash: str = "0", **fields: Any) -> tuple[User, DepositAddress]:
    """Return somebody with a deposit address."""
    user = funded_user(cash, **fields)
    addresses.make_ahead(key_account(), 4)
    return user, addresses.address_of(user)


def cash_of(user: User) -> int:
    """Return a user's cash, in micro-USDC."""
    row = Account.objects.filter(user=user, market=None, kind="cash").first()
    return row.balance_micro if row else 0


def scan(network: Network, *nodes: Node, owner: str = "test", **options: Any) -> Report:
    """Run one step of the scanner."""
    network.refresh_from_db()
    return scanner.step(network, nodes, owner=owner, **options)


def scan_all(network: Network, nodes: Sequence[Node], steps: int = 50, **options: Any) -> None:
    """Run steps until nothing is left to read."""
    for _ in range(steps):
        report = scan(network, *nodes, **options)
        if not report.error and not report.behind and not report.blocks and not report.credited:
            return
