"""What our contracts are asked and told, as call data; no library in between."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.clients.rpc import Node
from chain.errors import NodeFault
from chain.hashing import selector

WORD_CHARACTERS = 64


def data_of(signature: str, *arguments: int | str) -> bytes:
    """Return a call with plain arguments, addresses as text."""
    return selector(signature) + b"".join(word(argument) for argument in arguments)


def word(value: int | str) -> bytes:
    """Return an argument as 32 bytes."""
    number = int(value, 16) if isinstance(value, str) else value
    return number.to_bytes(32, "big")


def transfer(to: str, amount: int) -> bytes:
    """Return the call that pays one."""
    return data_of("transfer(address,uint256)", to, amount)


def disperse(token: str, payments: Sequence[tuple[str, int]]) -> bytes:
    """Return the call that pays several from the caller's allowance."""
    count = len(payments)
    words: list[int | str] = [token, 3 * 32, (4 + count) * 32, count]
    words += [to for to, _ in payments]
    words += [count, *(amount for _, amount in payments)]
    return data_of("disperseTokenSimple(address,address[],uint256[])", *words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One address's authorisation, as the Sweeper plays it."""

    owner: str
    amount_micro: int
    valid_before_s: int
    nonce: str
    v: int
    r: int
    s: int


def sweep(legs: Sequence[Leg]) -> bytes:
    """Return the call that moves several addresses' money to the Sweeper's treasury."""
    words: list[int | str] = [32, len(legs)]
    for leg in legs:
        words += [leg.owner, leg.amount_micro, leg.valid_before_s, leg.nonce, leg.v, leg.r, leg.s]
    return data_of("sweep((address,uint256,uint256,bytes32,uint8,bytes32,bytes32)[])", *words)


def sweeper_ends(node: Node, sweeper: str) -> tuple[str, str]:
    """Return the token that a Sweeper moves and the treasury it pays. Raises NodeFault."""
    asked = [(sweeper, _hex("token()")), (sweeper, _hex("treasury()"))]
    token, treasury = (_number(text) for text in node.eth_calls(asked, "latest"))
    return f"0x{token:040x}", f"0x{treasury:040x}"


def authorizations_used(
    node: Node, token: str, wanted: Sequence[tuple[str, str]], block: int | str
) -> list[bool]:
    """Say for each owner and nonce whether the token has seen it by a block. Raises NodeFault."""
    signature = "authorizationState(address,bytes32)"
    asked = [(token, _hex(signature, owner, nonce)) for owner, nonce in wanted]
    return [_number(text) != 0 for text in node.eth_calls(asked, block)]


def balances(node: Node, token: str, holders: Sequence[str], block: int | str) -> list[int]:
    """Return what each holder has of a token at one block. Raises NodeFault."""
    asked = [(token, _hex("balanceOf(address)", holder)) for holder in holders]
    return [_number(text) for text in node.eth_calls(asked, block)]


def decimals(node: Node, token: str) -> int:
    """Return how many decimals a token counts. Raises NodeFault, also where there is none."""
    return _number(node.eth_calls([(token, _hex("decimals()"))], "latest")[0])


def is_there(node: Node, contract: str, block: int) -> bool:
    """Say whether a contract stood at an address by a block. Raises NodeFault."""
    return (node.call("eth_getCode", [contract, hex(block)], str) or "0x") != "0x"


def is_paused(node: Node, token: str) -> bool:
    """Say whether the token moves at all. Raises NodeFault."""
    return _number(node.eth_calls([(token, _hex("paused()"))], "latest")[0]) != 0


def denied(node: Node, token: str, holders: Sequence[str]) -> set[str]:
    """Return which of the holders the token's issuer has on its list. Raises NodeFault."""
    asked = [(token, _hex("isBlacklisted(address)", holder)) for holder in holders]
    answers = node.eth_calls(asked, "latest")
    return {h for h, text in zip(holders, answers, strict=True) if _number(text)}


def allowance(node: Node, token: str, owner: str, spender: str) -> int:
    """Return what a contract may still take from somebody. Raises NodeFault."""
    data = _hex("allowance(address,address)", owner, spender)
    return _number(node.eth_calls([(token, data)], "latest")[0])


def _hex(signature: str, *arguments: int | str) -> str:
    return "0x" + data_of(signature, *arguments).hex()


def _number(text: str) -> int:
    if len(text) != WORD_CHARACTERS + 2:
        raise NodeFault("a contract answered with something else than one word")
    return int(text, 16)
