"""S2: from the commit of a session's tick until a real browser's page has written it."""

import resource
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.core.management import call_command

from exchange.models import Session
from exchange.services.outcome import orders
from exchange.services.sessions import lobby
from tests.bench import place, seats
from tests.bench.children import Child, is_tick
from tests.bench.figures import Measure, percentile, say
from tests.bench.reader import NAME
from tests.bench.web import Server

INTERVAL_MS = 1_000
CONNECT_S_MAX = 120.0
# Between the parts of the page and the news that writes them.
PARTS = {"trades": "trades", "book": "book", "own": "what is one's own"}
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """So many sockets beside the page, people who trade, orders a second, and ticks."""

    sockets: int
    joined: int
    rate: int
    ticks: int


PACES = {
    "tiny": Pace(sockets=3, joined=3, rate=3, ticks=3),
    "quick": Pace(sockets=100, joined=100, rate=20, ticks=20),
    "full": Pace(sockets=300, joined=300, rate=50, ticks=100),
}


@dataclass(slots=True)
class Heard:
    """When each tick was durable, and when the page had written each part of it, in ms."""

    commits: list[int] = field(default_factory=list)
    parts: dict[str, dict[int, int]] = field(default_factory=lambda: {n: {} for n in PARTS})

    def take(self, clock: list[dict[str, Any]], page: list[dict[str, Any]]) -> None:
        """Note lines. A session's ticks have no gap, so their order numbers them from one."""
        self.commits += [line["at_ms"] for line in clock if is_tick(line)]
        for line in page:
            if line["seq"] is not None:
                self.parts[line["what"]].setdefault(line["seq"], line["at_ms"])

    def delays(self, part: str) -> list[float]:
        """Return from each commit to the page, of the ticks that changed this part of it."""
        known = {seq: at for seq, at in self.parts[part].items() if 0 < seq <= len(self.commits)}
        return [float(at - self.commits[seq - 1]) for seq, at in known.items()]


def measure(size: str, store: str) -> list[Measure]:
    """Return the delays of the parts of one page among many sockets."""
    del store
    pace = PACES[size]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    call_command("collectstatic", interactive=False, verbosity=0)
    with ExitStack() as stack:
        heard, painted_ms = _run(stack, pace)
    place.require_clean_books()
    words = f"{pace.sockets} sockets, {pace.rate} orders a second, {pace.ticks} ticks"
    found = []
    for part, named in PARTS.items():
        delays = heard.delays(part)
        assert delays, f"the page never wrote {named}"
        for share in (0.50, 0.99):
            case = f"{words}, {named} on the page, p{share * 100:.0f}"
            found.append(_measure(case, percentile(delays, share), pace))
    return [*found, _measure(f"{words}, largest paint of the first page", painted_ms, pace)]


def _measure(case: str, value: float, pace: Pace) -> Measure:
    return Measure(measure="S2", case=case, value=max(0.0, value), unit="ms", rounds=pace.ticks)


def _run(stack: ExitStack, pace: Pace) -> tuple[Heard, float]:
    say(f"pages: {pace.joined} people join")
    session = seats.opened(money=Session.Money.PLAY, batch_ms=INTERVAL_MS)
    seats.joined(session, pace.joined)
    lobby.session_start(host=session.host, session=session)
    clock = stack.enter_context(Child("tests.bench.timed_clock"))
    web = stack.enter_context(Server.of_the_site())
    port, path = str(web.port), f"/ws/sessions/{session.code}/"
    sockets = Child("tests.bench.listeners", port, path, str(pace.sockets))
    stack.enter_context(sockets)
    assert "connected" in sockets.hear(CONNECT_S_MAX)
    page = stack.enter_context(Child("tests.bench.reader", port, session.code))
    painted_ms = page.hear(CONNECT_S_MAX)["painted_ms"]
    heard = Heard()
    heard.take(clock.heard(), [])
    _trade(session, pace)
    time.sleep(SETTLE_S)
    heard.take(clock.heard(), page.heard())
    return heard, painted_ms


def _trade(session: Session, pace: Pace) -> None:
    """Let people ask evenly over the seconds, the page's own visitor once in every tick."""
    people = {row.user_id: row for row in seats.seated(session)}
    (reader,) = [user for user, row in people.items() if row.name == NAME]
    mind, chance = seats.Mind(session, list(people)), Random(1)
    for number in range(pace.ticks):
        began = time.monotonic()
        mind.look()
        own = seats.Mind(session, [reader], prices=mind.prices).buys(1)
        asks = [*mind.asks(pace.rate - 1), *own]
        chance.shuffle(asks)
        for n, ask in enumerate(asks):
            key = f"page-{number}-{n}"
            orders.order_place(participant=people[ask.user], key=key, **ask.to_mapping())
            time.sleep(max(0.0, began + (n + 1) / pace.rate - time.monotonic()))
