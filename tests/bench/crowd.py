"""Many people in one process, each with a connection of their own, one order a second.

Nobody asks before they were answered; who is told to come back does so with the same key, later
each time. Times count from the moment an order was due, so that who waits for an answer does not
hide the next.
"""

import argparse
import heapq
import json
import os
import selectors
import socket
import sys
import time
from collections import Counter, deque
from random import Random
from typing import Any

HOST = "127.0.0.1"
OUTCOMES = 10
CHUNK = 65_536
TAKEN = b"HTTP/1.1 202"
BUSY = (b"429", b"503")
# Who is told to come back waits longer each time, and not as long as the others.
RETRY_S, RETRY_S_MAX = 1.0, 16.0
LOOK_S = 0.05
ANSWER_S_MAX = 240.0
# What was bought can be sold when its tick was taken.
SETTLED_S = 3.0
BUYS, SELLS = 0.45, 0.35
BOUGHT_MAX = 8


class Person:
    """One participant: a connection, what they bought, and the order they wait for."""

    def __init__(self, port: int, code: str, token: str, seed: int) -> None:
        self.port, self.connected = port, False
        self.connect()
        self.seed, self.random = seed, Random(seed)
        self.head = (
            f"POST /api/v1/sessions/{code}/orders/ HTTP/1.1\r\nHost: {HOST}:{port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        )
        self.request, self.key = b"", ""
        self.due = 0.0
        self.waits = False
        self.answered = self.attempts = 0
        self.bought: deque[tuple[float, int, str, int]] = deque(maxlen=BOUGHT_MAX)

    def connect(self) -> None:
        """Open a connection, to begin with or because the server has closed the last one."""
        self.socket = socket.create_connection((HOST, self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connected, self.unread = True, b""

    def ask(self, due: float, now: float) -> None:
        """Draw an order and send it."""
        self.due, self.key = due, f"crowd-{self.seed}-{self.answered}"
        body = json.dumps(self._draw(now))
        self.request = (
            f"{self.head}Idempotency-Key: {self.key}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self.send()

    def send(self) -> None:
        """Send the order, or send it again."""
        self.waits = True
        self.socket.sendall(self.request)

    def answer(self) -> bytes | None:
        """Return an answer once it is complete."""
        part = self._received()
        self.connected = bool(part)
        self.unread += part
        head, found, body = self.unread.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) < length:
            return None
        self.unread, answer = body[length:], self.unread
        return answer

    def _received(self) -> bytes:
        try:
            return self.socket.recv(CHUNK)
        except ConnectionError:
            return b""

    def _draw(self, now: float) -> dict[str, Any]:
        drawn, draw = self.random.random(), self.random
        sells = bool(self.bought) and now - self.bought[0][0] > SETTLED_S
        if sells and drawn > BUYS:
            _, outcome, token, size = self.bought.popleft()
            asked = {"side": "sell", "outcome": outcome, "token": token, "size": str(size)}
            cents = (45, 60)
        else:
            outcome, token = draw.randrange(OUTCOMES), draw.choice(("yes", "no"))
            size = draw.randint(1, 5)
            asked = {"side": "buy", "outcome": outcome, "token": token, "size": str(size)}
            cents = (40, 55)
        if drawn > BUYS + SELLS:
            asked |= {"price": f"0.{draw.randint(*cents)}", "auto_fill": draw.random() < 0.5}
        elif asked["side"] == "buy":
            self.bought.append((now, outcome, token, size))
        return asked


class Crowd:
    """All people, and one run of them after the other."""

    def __init__(self, port: int, code: str, tokens: list[str]) -> None:
        self.people = [Person(port, code, token, n) for n, token in enumerate(tokens)]
        self.waiting = selectors.DefaultSelector()
        for person in self.people:
            self.waiting.register(person.socket, selectors.EVENT_READ, person)

    def run(self, count: int, seconds: float) -> dict[str, Any]:
        """Let `count` people ask once a second for so long, and wait for the last answer."""
        self.times: list[float] = []
        self.refused: Counter[str] = Counter()
        self.again: list[tuple[float, int]] = []
        used, began = time.process_time(), time.monotonic()
        self.end = began + seconds
        self.plan = [(began + n / count, n) for n in range(count)]
        while self.plan or self.again or any(p.waits for p in self.people[:count]):
            self._send_due()
            self._read()
            assert time.monotonic() < self.end + ANSWER_S_MAX, "answers are missing"
        took = time.monotonic() - began
        return {
            "asked": int(seconds * count),
            "took_s": took,
            "times_ms": [round(1e3 * t, 2) for t in self.times],
            "refused": dict(self.refused),
            "answered": [person.answered for person in self.people],
            "cpu_s": time.process_time() - used,
        }

    def _send_due(self) -> None:
        now = time.monotonic()
        while self.again and self.again[0][0] <= now:
            person = self._present(heapq.heappop(self.again)[1])
            person.send()
        if now >= self.end:
            self.plan.clear()  # what was due and not yet asked is not asked any more
        while self.plan and self.plan[0][0] <= now:
            due, number = heapq.heappop(self.plan)
            self._present(number).ask(due, now)

    def _present(self, number: int) -> Person:
        """Return somebody who has a connection: a server closes one that was idle for long."""
        person = self.people[number]
        if not person.connected:
            person.connect()
            self.waiting.register(person.socket, selectors.EVENT_READ, person)
        return person

    def _left(self, person: Person) -> None:
        """Forget a connection that the server has closed; who waited asks again."""
        self.waiting.unregister(person.socket)
        person.socket.close()
        if person.waits:
            self.refused["connection closed"] += 1
            heapq.heappush(self.again, (time.monotonic() + RETRY_S, person.seed))

    def _read(self) -> None:
        coming = min((line[0][0] for line in (self.plan, self.again) if line), default=self.end)
        rest = max(coming - time.monotonic(), 0.0) if self.plan or self.again else LOOK_S
        for key, _ in self.waiting.select(rest):
            person: Person = key.data
            answer = person.answer()
            if not person.connected:
                self._left(person)
            elif answer is not None:
                self._take(person, answer, time.monotonic())

    def _take(self, person: Person, answer: bytes, now: float) -> None:
        if answer.startswith(TAKEN):
            self.times.append(now - person.due)
        else:
            status, body = answer[9:12], answer.partition(b"\r\n\r\n")[2]
            code = json.loads(body)["error"]["code"] if body.startswith(b"{") else status.decode()
            self.refused[code] += 1
            assert status in BUSY, answer[:500]
            person.attempts += 1
            pause = min(RETRY_S * 2 ** (person.attempts - 1), RETRY_S_MAX)
            pause *= person.random.uniform(0.5, 1.5)
            heapq.heappush(self.again, (now + pause, person.seed))
            return
        person.waits, person.attempts = False, 0
        person.answered += 1
        if person.due + 1.0 < self.end:
            heapq.heappush(self.plan, (person.due + 1.0, person.seed))


def say(line: dict[str, Any]) -> None:
    """Tell the benchmark, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Connect with the tokens of the first line; each further line is a run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("code")
    asked = parser.parse_args()
    crowd = Crowd(asked.port, asked.code, json.loads(sys.stdin.readline()))
    say({"connected": len(crowd.people), "pid": os.getpid()})
    for line in sys.stdin:
        say(crowd.run(**json.loads(line)))


if __name__ == "__main__":
    main()
