"""The signer's append-only log: every decision, each line chained to the one before by its hash.

What it remembers of the past (nonces and their payloads, the day's sum) it reads from here alone.
"""

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from chain.errors import SignerRefused

DAY_S = 86_400
START = "0" * 64


class JournalBroken(Exception):
    """A line of the log was changed, or one is missing."""


@dataclass(slots=True)
class Journal:
    """The log of one signer, open for appending."""

    path: Path
    _head: str = START
    _payloads: dict[tuple[int, int], str] = field(default_factory=dict)
    _cancelled: set[tuple[int, int]] = field(default_factory=set)
    _paid: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def open(self) -> "Journal":
        """Read what was signed before. Raises JournalBroken."""
        if self.path.exists():
            for number, line in enumerate(self.path.read_text().splitlines(), 1):
                self._take(number, line)
        else:
            self.path.touch(mode=0o600)
        return self

    def require_nonce(self, chain_id: int, nonce: int, payload: str, *, is_cancel: bool) -> None:
        """Refuse a second payload for a nonce. Raises SignerRefused nonce."""
        place = (chain_id, nonce)
        if is_cancel:
            return
        if place in self._cancelled:
            raise SignerRefused(f"nonce {nonce} was taken back", rule="nonce")
        if self._payloads.get(place, payload) != payload:
            raise SignerRefused(f"nonce {nonce} belongs to another payment", rule="nonce")

    def require_day(self, place: tuple[int, int], amount: int, now_s: int, limit: int) -> None:
        """Refuse what exceeds the limit of a day. Raises SignerRefused day_limit."""
        if place in self._paid:
            return
        spent = sum(paid for paid, at in self._paid.values() if at > now_s - DAY_S)
        if spent + amount > limit:
            raise SignerRefused(f"{spent} micro-USDC were signed within a day", rule="day_limit")

    def write(self, **row: Any) -> None:
        """Append one decision and make it last before anybody learns of it."""
        body = json.dumps(row, sort_keys=True)
        head = sha256((self._head + body).encode()).hexdigest()
        with self.path.open("a") as file:
            file.write(json.dumps({"hash": head, "row": row}, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._head = head
        self._learn(row)

    def _take(self, number: int, line: str) -> None:
        try:
            read = json.loads(line)
            row, told = read["row"], read["hash"]
        except (ValueError, KeyError, TypeError) as error:
            raise JournalBroken(f"line {number} of {self.path} cannot be read") from error
        body = json.dumps(row, sort_keys=True)
        if sha256((self._head + body).encode()).hexdigest() != told:
            raise JournalBroken(f"line {number} of {self.path} was changed")
        self._head = told
        self._learn(row)

    def _learn(self, row: dict[str, Any]) -> None:
        if row["verdict"] != "signed":
            return
        place = (row["chain_id"], row["nonce"])
        if row["is_cancel"]:
            self._cancelled.add(place)
        else:
            self._payloads[place] = row["payload"]
            self._paid.setdefault(place, (row["amount_micro"], row["at_s"]))
