"""The signer's append-only log: every decision, each line chained to the one before by its hash.

What it remembers of the past (nonces and their payloads, the day's sums) it reads from here alone.
"""

import errno
import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Any

from chain.errors import SignerRefused
from exchange import clock

DAY_S = 86_400
START = "0" * 64
# What is let go is counted by day, each kind by itself, under these names of a line.
KINDS = ("amount_micro", "swept_micro", "given_wei")
# A chain, a nonce, and whose: empty for the paying wallet, as in the oldest lines.
Place = tuple[int, int | str, str]


class JournalBroken(Exception):
    """A line of the log was changed, or one is missing."""


@dataclass(slots=True)
class Journal:
    """The log of one signer, open for appending."""

    path: Path
    _head: str = START
    _payloads: dict[Place, str] = field(default_factory=dict)
    _cancelled: set[Place] = field(default_factory=set)
    _spent: dict[str, dict[Place, tuple[int, int]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )

    def open(self) -> "Journal":
        """Read what was signed before. Raises JournalBroken."""
        if self.path.exists():
            for number, line in enumerate(self.path.read_text().splitlines(), 1):
                self._take(number, line)
        else:
            self.path.touch(mode=0o600)
        return self

    def require_nonce(self, place: Place, payload: str, *, is_cancel: bool) -> None:
        """Refuse a second payload for a nonce. Raises SignerRefused nonce."""
        if is_cancel:
            return
        if place in self._cancelled:
            raise SignerRefused(f"nonce {place[1]} was taken back", rule="nonce")
        if self._payloads.get(place, payload) != payload:
            raise SignerRefused(f"nonce {place[1]} belongs to another payment", rule="nonce")

    def require_day(self, kind: str, place: Place, amount: int, limit: int) -> None:
        """Refuse what exceeds the limit of a day. Raises SignerRefused day_limit.

        What was let go under the same nonce before counts once, at the most that it was.
        """
        purse, now_s = self._spent[kind], clock.now_s()
        if amount <= purse.get(place, (0, 0))[0]:
            return
        spent = sum(n for p, (n, at) in purse.items() if p != place and at > now_s - DAY_S)
        if spent + amount > limit:
            raise SignerRefused(f"{spent} were let go within a day ({kind})", rule="day_limit")

    def write(self, **row: Any) -> None:
        """Append one decision and make it last before anybody learns of it."""
        body = json.dumps(row, sort_keys=True)
        head = sha256((self._head + body).encode()).hexdigest()
        line = json.dumps({"hash": head, "row": row}, sort_keys=True).encode() + b"\n"
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                _last(file, line)
            except OSError:
                file.truncate(before)  # or the next line would stand behind half of this one
                raise
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
        place = (row["chain_id"], row["nonce"], row.get("sender", ""))
        if row["is_cancel"]:
            self._cancelled.add(place)
            return
        self._payloads[place] = row["payload"]
        for kind in KINDS:
            if row.get(kind, 0) > self._spent[kind].get(place, (0, 0))[0]:
                self._spent[kind][place] = (row[kind], row["at_s"])


def _last(file: FileIO, line: bytes) -> None:
    if file.write(line) < len(line):
        raise OSError(errno.ENOSPC, "the disk took a part of a line")
    os.fsync(file.fileno())
