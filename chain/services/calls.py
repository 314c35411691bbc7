"""What our contracts are asked and told, as call data; no library in between."""

from collections.abc import Sequence

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


def balances(node: Node, token: str, holders: Sequence[str], block: int | str) -> list[int]:
    """Return what each holder has of a token at one block. Raises NodeFault."""
    asked = [(token, _hex("balanceOf(address)", holder)) for holder in holders]
    return [_number(text) for text in node.eth_calls(asked, block)]


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
