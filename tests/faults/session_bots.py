"""Programs that trade in a session over HTTP while things are killed."""

import http
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from exchange.models import Session
from exchange.services.sessions import lobby
from tests.factories import key
from tests.faults.site import Answer, ask
from tests.patience import PATIENCE_S

OUTCOMES = 5


def order(choice: random.Random) -> dict[str, Any]:
    """Return any order, with figures that are sometimes refused."""
    body: dict[str, Any] = {
        "side": choice.choices(("buy", "sell"), (3, 2))[0],
        "outcome": choice.randrange(OUTCOMES),
        "token": choice.choice(("yes", "no")),
        "size": f"{choice.randrange(1, 4000) / 100:.2f}",
    }
    if choice.random() < 0.55:
        body["price"] = f"{choice.randrange(20, 80) / 100:.2f}"
        body["auto_fill"] = choice.random() < 0.5
    elif choice.random() < 0.2:
        body["max_slippage"] = "0.001"
    return body


@dataclass
class Bot:
    """A program that trades over HTTP and never forgets a key."""

    port: int
    code: str
    token: str
    choice: random.Random
    stop: threading.Event
    answered: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Trade; whatever is neither an answer, a refusal nor 503 is a fault."""
        while not self.stop.is_set():
            where, body = "orders/", order(self.choice)
            if self.choice.random() < 0.2:
                where, body = f"orders/{self.choice.randrange(1, 200)}/cancel/", {}
            name = key()
            answer = self.insist(where, body, name)
            if answer is None:
                continue
            if answer.status == http.HTTPStatus.ACCEPTED:
                self.answered[name] = answer.json["id"]
            elif answer.status != 422 or answer.code != "frozen":
                self.faults.append(f"{answer.status} {answer.raw[:200]!r}")
            time.sleep(self.choice.uniform(0, 0.1))

    def insist(self, where: str, body: object, name: str) -> Answer | None:
        """Send until there is an answer, under the same key."""
        path = f"/api/v1/sessions/{self.code}/{where}"
        for attempt in range(200):
            try:
                answer = ask(self.port, "POST", path, body, token=self.token, key=name)
            except OSError:
                time.sleep(min(0.02 * 2**attempt, 0.5))
                continue
            if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(0.05)
        self.faults.append(f"{name} was never answered")
        return None


def crowd_of(session: Session, port: int, count: int, chance: random.Random) -> "Swarm":
    """Let so many programs take part, none of which trades yet."""
    swarm = Swarm()
    for n in range(count):
        _, secret = lobby.join(session=session, name=f"Bot {n}", user=None)
        choice = random.Random(chance.random())
        swarm.bots.append(Bot(port, session.code, secret or "", choice, swarm.stop))
    return swarm


@dataclass
class Swarm:
    """Programs that trade from threads of their own."""

    bots: list[Bot] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let them trade."""
        self.threads = [threading.Thread(target=bot.run, daemon=True) for bot in self.bots]
        for thread in self.threads:
            thread.start()

    def end(self) -> dict[str, str]:
        """Stop them; return which key got which order. Raises AssertionError on any fault."""
        self.stop.set()
        for thread in self.threads:
            thread.join(PATIENCE_S)
        assert [fault for bot in self.bots for fault in bot.faults] == []
        told = {name: pk for bot in self.bots for name, pk in bot.answered.items()}
        assert len(told) > 2 * len(self.bots)
        return told
