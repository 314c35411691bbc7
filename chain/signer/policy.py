"""What the signer signs: its own limits, whatever its callers believe.

A caller that was taken over gets at most what these rules leave: payments of the token alone, to
well-formed recipients, up to a limit each and a limit a day, each nonce for one payload only. What
lies at deposit addresses goes to the treasury of this policy and nowhere else.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.core.addresses import BURN, LOWEST_USABLE
from chain.errors import SignerRefused
from chain.hashing import selector
from chain.signer.authorizations import Domain
from chain.signer.transactions import Transaction

TRANSFER = selector("transfer(address,uint256)")
APPROVE = selector("approve(address,uint256)")
DISPERSE = selector("disperseTokenSimple(address,address[],uint256[])")
SWEEP = selector("sweep((address,uint256,uint256,bytes32,uint8,bytes32,bytes32)[])")
WORD = 32
# the arguments of a transfer and of an approval: to whom, how much
WORDS = 2
GAS_MOST = 30_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """The contracts of one chain that may be called, and where swept money goes."""

    token: str
    disperse: str = ""
    sweeper: str = ""
    treasury: str = ""
    bridged: str = ""
    signing_name: str = "USD Coin"
    signing_version: str = "2"

    def domain(self, chain_id: int) -> Domain:
        """Return the token's own domain of signatures."""
        return Domain(
            name=self.signing_name,
            version=self.signing_version,
            chain_id=chain_id,
            token=self.token,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a signature lets go: to people, to the treasury, and as gas to deposit addresses."""

    paid_micro: int = 0
    swept_micro: int = 0
    given_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The limits, in micro-USDC and wei."""

    chains: dict[int, Contracts] = field(default_factory=dict)
    per_payment_micro: int = 5_000_000_000
    per_day_micro: int = 50_000_000_000
    swept_per_day_micro: int = 1_000_000_000_000
    gas_gift_wei: int = 10**17
    gas_gifts_per_day_wei: int = 10**18
    max_fee_wei: int = 10**12

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """Read a policy from JSON. Raises KeyError, TypeError or ValueError for another form."""
        raw: dict[str, Any] = json.loads(path.read_text())
        chains = {
            int(number): Contracts(
                **{k: v if k.startswith("signing_") else v.lower() for k, v in row.items()}
            )
            for number, row in raw.pop("chains").items()
        }
        return cls(chains=chains, **raw)


def judge(policy: Policy, tx: Transaction, own: str, deposit: str = "") -> Cost:
    """Return what a transaction of the paying wallet lets go.

    `deposit` is the deposit address that the request named, if any: the only one that gets ether.
    Raises:  SignerRefused, which names the rule.
    """
    contracts = _contracts(policy, tx)
    if tx.value:
        return _gift(policy, tx, deposit)
    if tx.to == own and not tx.data:
        return Cost()
    if contracts.sweeper and tx.to == contracts.sweeper and tx.data[:4] == SWEEP:
        # its legs were judged when they were signed, and it can pay its treasury alone
        return Cost()
    paid = swept = 0
    for recipient, amount in _payments(contracts, tx):
        if contracts.treasury and recipient == contracts.treasury:
            swept += amount
            continue
        _require_recipient(recipient, contracts, own)
        if amount > policy.per_payment_micro:
            raise _refused("payment_limit", f"{amount} micro-USDC are too many for one payment")
        paid += amount
    return Cost(paid_micro=paid, swept_micro=swept)


def _gift(policy: Policy, tx: Transaction, deposit: str) -> Cost:
    if tx.to != deposit or tx.data:
        raise _refused("value", "no ether leaves, but to a deposit address as gas")
    if tx.value > policy.gas_gift_wei:
        raise _refused("gas_gift", f"{tx.value} wei are too many for gas")
    return Cost(given_wei=tx.value)


def judge_deposit(policy: Policy, tx: Transaction, deposit: str) -> Cost:
    """Return what a transaction of a deposit address lets go: to the treasury, or nothing at all.

    Raises:  SignerRefused, which names the rule.
    """
    contracts = _contracts(policy, tx)
    if tx.value:
        raise _refused("value", "no ether leaves a deposit address")
    if tx.to == deposit and not tx.data:
        return Cost()
    call, words = tx.data[:4], _words(tx.data[4:])
    tokens = {contracts.token, contracts.bridged} - {""}
    if tx.to not in tokens or call != TRANSFER or len(words) != WORDS:
        raise _refused("call", "a deposit address transfers tokens on the list, and nothing else")
    require_treasury(contracts, _address(words[0]))
    return Cost(swept_micro=words[1])


def require_treasury(contracts: Contracts, to: str) -> None:
    """Refuse every destination of swept money but the one of this policy. Raises SignerRefused."""
    if not contracts.treasury or to != contracts.treasury:
        raise _refused("treasury", f"{to} is not the treasury")


def contracts_of(policy: Policy, chain_id: int) -> Contracts:
    """Return the contracts of a chain. Raises SignerRefused chain."""
    contracts = policy.chains.get(chain_id)
    if contracts is None:
        raise _refused("chain", f"chain {chain_id} is not on the list")
    return contracts


def _contracts(policy: Policy, tx: Transaction) -> Contracts:
    contracts = contracts_of(policy, tx.chain_id)
    offered = 0 <= tx.tip_wei <= tx.max_fee_wei and 0 < tx.max_fee_wei <= policy.max_fee_wei
    if not offered or not tx.gas <= GAS_MOST:
        raise _refused("fee", f"{tx.max_fee_wei} wei per gas is more than may be offered")
    return contracts


def _payments(contracts: Contracts, tx: Transaction) -> list[tuple[str, int]]:
    call, words = tx.data[:4], _words(tx.data[4:])
    if tx.to == contracts.token and call == TRANSFER and len(words) == WORDS:
        return [(_address(words[0]), words[1])]
    if tx.to == contracts.token and call == APPROVE and len(words) == WORDS:
        if not contracts.disperse or _address(words[0]) != contracts.disperse:
            raise _refused("spender", "only the batch contract may be approved")
        return []
    if contracts.disperse and tx.to == contracts.disperse and call == DISPERSE:
        return _batch(contracts, words)
    raise _refused("call", "neither this contract nor this function is on the list")


def _batch(contracts: Contracts, words: list[int]) -> list[tuple[str, int]]:
    """Read `disperseTokenSimple(token, recipients, values)` in its one canonical form."""
    try:
        count = words[3]
        recipients, again, values = words[4 : 4 + count], words[4 + count], words[5 + count :]
        canonical = words[1:3] == [3 * WORD, (4 + count) * WORD]
    except IndexError as short:
        raise _refused("call", "the batch is cut short") from short
    if not canonical or _address(words[0]) != contracts.token or not count:
        raise _refused("call", "the batch is not in its canonical form")
    if not again == count == len(recipients) == len(values):
        raise _refused("call", "the batch has as many amounts as recipients")
    return [(_address(word), value) for word, value in zip(recipients, values, strict=True)]


def _require_recipient(address: str, contracts: Contracts, own: str) -> None:
    named = {contracts.token, contracts.disperse, contracts.sweeper, own}
    if address in BURN or int(address, 16) < LOWEST_USABLE or address in named:
        raise _refused("recipient", f"{address} may not be paid")


def _words(data: bytes) -> list[int]:
    if len(data) % WORD:
        raise _refused("call", "arguments are whole words")
    return [int.from_bytes(data[i : i + WORD], "big") for i in range(0, len(data), WORD)]


def _address(word: int) -> str:
    if word >> 160:
        raise _refused("call", "an address has 20 bytes")
    return f"0x{word:040x}"


def _refused(rule: str, words: str) -> SignerRefused:
    return SignerRefused(words, rule=rule)
