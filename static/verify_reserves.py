"""Check one leaf of a proof of reserves: python3 verify_reserves.py LEAF.json [ROOT [TOTAL]].

LEAF.json is the file that the reserves page gives you. ROOT and TOTAL (in millionths of a USDC) are
those that are published there; compare them with somebody else's. Needs Python and nothing else.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

SUM_BYTES = 16
Node = tuple[bytes, int]


def written(amount: int) -> bytes:
    """Return an amount as it is hashed. A negative one raises OverflowError."""
    return amount.to_bytes(SUM_BYTES, "big")


def leaf(told: dict[str, Any]) -> Node:
    """Return hash and sum of the leaf: the salt and the account bind it to its owner."""
    name, amount = told["account"].encode(), int(told["amount_micro"])
    body = bytes.fromhex(told["salt"]) + len(name).to_bytes(2, "big") + name + written(amount)
    return hashlib.sha256(b"\x00" + body).digest(), amount


def join(left: Node, right: Node) -> Node:
    """Return hash and sum of two children; each one's sum is hashed by itself."""
    body = left[0] + written(left[1]) + right[0] + written(right[1])
    return hashlib.sha256(b"\x01" + body).digest(), left[1] + right[1]


def climb(told: dict[str, Any]) -> tuple[str, int]:
    """Return the root and the total that a leaf leads to."""
    at = leaf(told)
    for step in told["path"]:
        sibling = bytes.fromhex(step["hash"]), int(step["sum_micro"])
        at = join(sibling, at) if step["left"] else join(at, sibling)
    return at[0].hex(), at[1]


def main(words: list[str]) -> None:
    """Say whether the leaf is part of the sum."""
    if not words:
        sys.exit(__doc__)
    told = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    wanted_root, wanted_total = [*words[1:], told["root"], told["total_micro"]][:2]
    if len(words) == 2:  # noqa: PLR2004 (the file and a root)
        wanted_total = told["total_micro"]
    try:
        root, total = climb(told)
    except (OverflowError, ValueError) as error:
        sys.exit(f"NOT proved: {error}")
    if root != wanted_root or total != int(wanted_total):
        sys.exit(f"NOT proved: the leaf leads to {root} and {total}")
    amount = int(told["amount_micro"])
    part, whole = (f"{n // 10**6}.{n % 10**6:06d} USDC" for n in (amount, total))
    sys.stdout.write(f"Proved: {part} are part of {whole} under {root}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
