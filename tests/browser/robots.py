"""Programs that trade in a session over HTTP, each with the token that joining gave it."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from exchange.models import Participant, Session
from exchange.services.sessions import lobby
from tests.factories import key
from tests.faults.site import Answer, ask

# Between two orders of the whole crowd, so that they leave the machine to the browsers.
PAUSE_S = 0.15
SLIPPAGE = "9"


@dataclass
class Robot:
    """A participant with a token, which knows roughly what it has bought."""

    place: tuple[int, str]
    participant: Participant
    token: str
    held: dict[tuple[int, str], int] = field(default_factory=dict)

    def trade(self, dice: random.Random, outcomes: int) -> None:
        """Buy YES or NO, at the market or with a limit, or sell half of what was bought."""
        token = (dice.randrange(outcomes), dice.choice(("yes", "no")))
        if self.held and dice.random() < 0.4:
            token = dice.choice(list(self.held))
            size, side = max(1, self.held.pop(token) // 2), "sell"
        else:
            size, side = dice.randint(2, 12), "buy"
        terms = {"price": f"0.{dice.randint(25, 75)}"} if dice.random() < 0.3 else {}
        self.order(side, token, size, **terms)
        if side == "buy" and not terms:
            self.held[token] = self.held.get(token, 0) + size

    def order(self, side: str, token: tuple[int, str], size: int, **terms: str) -> None:
        """Send one order; every answer but a refusal that says why is a fault."""
        body: dict[str, Any] = {"outcome": token[0], "token": token[1], "side": side}
        body |= {"size": str(size), **(terms or {"max_slippage": SLIPPAGE})}
        answer = self._send(body)
        taken = answer.status == HTTPStatus.ACCEPTED
        assert taken or answer.code in {"frozen", "session_state"}, answer.raw[:300]

    def _send(self, body: dict[str, Any]) -> Answer:
        port, code = self.place
        path = f"/api/v1/sessions/{code}/orders/"
        return ask(port, "POST", path, body, token=self.token, key=key())


def robots(site: str, session: Session, count: int) -> list[Robot]:
    """Let programs take part, each under a name of its own."""
    place = (urlsplit(site).port or 0, session.code)
    found = []
    for number in range(count):
        who, secret = lobby.join(session=session, name=f"Robot {number}", user=None)
        found.append(Robot(place, who, secret or ""))
    return found


@contextmanager
def trading(crowd: list[Robot], outcomes: int) -> Iterator[None]:
    """Let them trade in turn from a thread of their own. Raises AssertionError on any fault."""
    stop, faults = threading.Event(), []

    def run() -> None:
        dice = random.Random(17)
        try:
            for robot in crowd:
                robot.order("buy", (outcomes - 1, "yes"), 5)
            while not stop.is_set():
                for robot in crowd:
                    robot.trade(dice, outcomes)
                    time.sleep(PAUSE_S)
        except (AssertionError, OSError) as fault:
            faults.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert faults == []
