"""Many browsers in one process: websockets that answer heartbeats and note when ticks arrive.

Prints a line when all are connected, and one for each tick that every one of them has read.
"""

import argparse
import json
import os
import re
import selectors
import socket
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

HOST = "127.0.0.1"
TICK = b'{"type":"tick"'
EVENT = b'{"type":"event"'
HEARTBEAT = b'"heartbeat"'
# A session goes by its code; whoever listens to one listens to nothing else.
NUMBERS = re.compile(rb'^{"type":"tick",(?:"market":(\d+),)?"seq":(\d+)')
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
LENGTH_16, LENGTH_64 = 126, 127
# So many handshakes are under way at once, as from browsers that reconnect.
HANDSHAKES = 50
CHUNK = 65_536


class Browser:
    """One websocket: bytes in, frames out."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.unread = b""
        self.read = 0
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nOrigin: http://{HOST}:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def opened(self) -> None:
        """Wait for the server's word that this is a websocket now."""
        while b"\r\n\r\n" not in self.unread:
            part = self.socket.recv(CHUNK)
            assert part, "the server closed the handshake"
            self.unread += part
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head[:200]

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Return the frames that are complete. A server's frames are never masked."""
        part = self.socket.recv(CHUNK)
        assert part, "the server closed a socket"
        data, start = self.unread + part, 0
        while len(data) - start >= 2:
            opcode, length, head = data[start] & 15, data[start + 1], 2
            if length == LENGTH_16:
                head = 4
            elif length == LENGTH_64:
                head = 10
            if len(data) - start < head:
                break
            if head > 2:
                length = int.from_bytes(data[start + 2 : start + head])
            end = start + head + length
            if end > len(data):
                break
            yield opcode, data[start + head : end]
            start = end
        self.unread = data[start:]

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a short frame, masked with zeros."""
        self.socket.sendall(struct.pack("!BBI", 128 | opcode, 128 | len(payload), 0) + payload)


class Listeners:
    """All browsers of one server, and what has arrived so far."""

    def __init__(self, port: int, path: str, count: int) -> None:
        self.count = count
        self.waiting = selectors.DefaultSelector()
        self.arrived: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for first in range(0, count, HANDSHAKES):
            group = [Browser(port, path) for _ in range(first, min(count, first + HANDSHAKES))]
            for browser in group:
                browser.opened()
                self.waiting.register(browser.socket, selectors.EVENT_READ, browser)
            self._read(0)

    def listen(self) -> None:
        """Read until the benchmark goes away."""
        while os.getppid() != 1:
            self._read(1.0)

    def _read(self, timeout_s: float) -> None:
        for key, _ in self.waiting.select(timeout_s):
            browser: Browser = key.data
            for opcode, payload in browser.frames():
                self._take(browser, opcode, payload)

    def _take(self, browser: Browser, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            browser.send(PONG, payload)
        elif opcode == CLOSE:
            sys.exit(f"a socket was closed: {payload!r}")
        elif payload.startswith(TICK):
            browser.read += 1
            self._note(payload)
        elif payload.startswith(EVENT):
            browser.read += 1
        elif HEARTBEAT in payload:
            browser.send(TEXT, json.dumps({"ack": browser.read}).encode())

    def _note(self, payload: bytes) -> None:
        found = NUMBERS.search(payload)
        assert found, payload[:200]
        tick = int(found[1] or 0), int(found[2])
        times = self.arrived[tick]
        times.append(time.monotonic_ns())
        if len(times) == self.count:
            del self.arrived[tick]
            half, slow = times[len(times) // 2], times[len(times) * 99 // 100]
            line = {"half_ns": half, "slow_ns": slow, "last_ns": times[-1]}
            say({"market": tick[0], "seq": tick[1], **line})


def say(line: dict[str, int]) -> None:
    """Tell the benchmark, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Connect, say so, listen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    listeners = Listeners(asked.port, asked.path, asked.count)
    say({"connected": asked.count})
    listeners.listen()


if __name__ == "__main__":
    main()
