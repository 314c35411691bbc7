"""The journal: what happened to the chain, a line for each thing, so that a restart repeats it.

Only what cannot be computed is written: times, signed transactions, reorgs. A line that a crash
tore off is dropped; a line broken in the middle stops the start.
"""

import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

_CHECK_DIGITS = 8


class JournalBroken(Exception):
    """The journal cannot be followed; the words say where and why."""


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The chain that the journal belongs to."""

    genesis: str


class Mined(msgspec.Struct, frozen=True, tag="mined", omit_defaults=True):
    """A block: its time, what it ran, and its base fee where one was ordered."""

    time: int
    raw: tuple[str, ...] = ()
    base_fee: int | None = None


class Dropped(msgspec.Struct, frozen=True, tag="dropped"):
    """The newest blocks taken off, as a reorg does."""

    depth: int


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """A balance set from outside after the newest block."""

    address: str
    balance: str


Record = Opened | Mined | Dropped | Granted
_reader = msgspec.json.Decoder(Record)


class Journal:
    """An append-only file that one process holds at a time."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._durable = durable
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise JournalBroken(f"another process runs the chain of {path}") from error

    def records(self) -> Iterator[Record]:
        """Yield what was written, and cut off a torn last line."""
        self._file.seek(0)
        good = 0
        for number, line in enumerate(self._file, 1):
            record = _read(line)
            if record is None:
                if self._file.read(1):
                    raise JournalBroken(f"line {number} of {self._path} is damaged")
                self._file.truncate(good)
                break
            good += len(line)
            yield record
        self._file.seek(0, os.SEEK_END)

    def append(self, records: list[Record]) -> None:
        """Write `records` together and wait until they are kept."""
        self._file.write(b"".join(_line(record) for record in records))
        self._file.flush()
        if self._durable:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _line(record: Record) -> bytes:
    body = msgspec.json.encode(record)
    return b"%08x %b\n" % (zlib.crc32(body), body)


def _read(line: bytes) -> Record | None:
    check, body = line[:_CHECK_DIGITS], line[_CHECK_DIGITS + 1 : -1]
    if not line.endswith(b"\n") or check != b"%08x" % zlib.crc32(body):
        return None
    try:
        record: Record = _reader.decode(body)
    except msgspec.DecodeError:
        return None
    return record
