"""Hand commands to a market: combine callers in this process, let one of them carry the batch.

The first caller to find a market's queue unattended becomes its carrier and settles everything
that waits; the others sleep until their answer is there or the carrier hands its duty on. So a
lone order costs one commit, and under load many orders share one, without any daemon.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from django.db import Error as DatabaseError

from exchange import clock, patience
from exchange.errors import Malformed, Unavailable, Unprocessable
from exchange.services import batch_load, settlement
from exchange.services.batch import Receipt, Request

# For callers outside a request; those within one have its patience, which is shorter.
WAIT_S_MAX = 10.0
KEY_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")
KEY_LENGTH_MIN, KEY_LENGTH_MAX = 8, 64

Carry = Callable[[int, list[Request]], Sequence[object]]


class _Ticket:
    """One caller's place in the queue; `wake` is released when there is something to do."""

    __slots__ = ("answer", "carries", "request", "until", "wake")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: object = None
        self.carries = False
        self.until = clock.monotonic() + patience.left_s(WAIT_S_MAX)
        self.wake = threading.Lock()
        self.wake.acquire()


class _Queue:
    """The callers of one market in this process."""

    __slots__ = ("attended", "lock", "tickets")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tickets: deque[_Ticket] = deque()
        self.attended = False


_queues: dict[int, _Queue] = {}
_queues_lock = threading.Lock()


def submit(
    *, market_id: int, kind: str, payload: dict[str, Any], key: str, user_id: int | None = None
) -> Receipt:
    """Settle one command and return its receipt after the commit.

    A refusal by the market is raised as Unprocessable with the engine's code and numbers, and is
    remembered under the key like an acceptance.
    Raises:  Malformed, NotFound, Conflict key_reused, Unprocessable, Unavailable, InvariantBroken.
    """
    check_key(key)
    request = Request(kind, payload, key, user_id)
    batch_load.command(request, 0)  # a payload the engine does not know fails here, alone
    receipt: Receipt = combine(market_id, request, settlement.drain)
    if not receipt.accepted:
        code = str(receipt.result["code"])
        refusal = Unprocessable(
            f"the market refused this: {code}", code=code, fields=receipt.result["fields"]
        )
        refusal.command_id, refusal.replayed = receipt.id, receipt.replayed
        raise refusal
    return receipt


def check_key(key: str) -> None:
    """Refuse an idempotency key outside the grammar: 8 to 64 of `A-Z a-z 0-9 - _ . :` only."""
    if not key:
        raise Malformed("an idempotency key is needed", code="key_missing")
    if not KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX or not KEY_CHARACTERS.issuperset(key):
        raise Malformed(
            "an idempotency key has 8 to 64 letters, digits or - _ . :",
            code="key_malformed",
            fields={"length": len(key)},
        )


def combine(market_id: int, request: Request, carry: Carry) -> Any:
    """Hand a request in together with those of other callers; return its answer.

    `carry` takes requests of one market, always the same for a market, and answers each in order.
    Raises:  the answer where it is an error; Unavailable.
    """
    queue = _queues.get(market_id)
    if queue is None:
        with _queues_lock:
            queue = _queues.setdefault(market_id, _Queue())
    ticket = _Ticket(request)
    with queue.lock:
        queue.tickets.append(ticket)
        ticket.carries = not queue.attended
        queue.attended = True
    if not ticket.carries and not _woken(ticket):
        _give_up(queue, ticket)
    if ticket.carries:
        _carry(market_id, queue, carry)
    assert ticket.answer is not None
    if isinstance(ticket.answer, BaseException):
        raise ticket.answer
    return ticket.answer


def _woken(ticket: _Ticket) -> bool:
    with patience.waiting(WAIT_S_MAX) as seconds:
        return ticket.wake.acquire(timeout=seconds)


def _give_up(queue: _Queue, ticket: _Ticket) -> None:
    """Leave the queue after waiting too long, unless the duty or the answer came just now."""
    with queue.lock:
        if ticket.carries or ticket.answer is not None:
            return
        if ticket in queue.tickets:
            queue.tickets.remove(ticket)
    raise Unavailable("the market did not answer in time; ask again with the same key", code="busy")


def _carry(market_id: int, queue: _Queue, carry: Carry) -> None:
    """Settle what is queued now, then hand the duty to the next caller or leave the queue."""
    with queue.lock:
        count = min(len(queue.tickets), batch_load.BATCH_MAX)
        tickets = [queue.tickets.popleft() for _ in range(count)]
    answers: list[Any] = [
        Unavailable("the carrier was interrupted; ask again with the same key", code="busy")
    ] * count
    try:
        answers = list(carry(market_id, [t.request for t in tickets]))
    except DatabaseError as failure:
        down = Unavailable(
            "the books cannot be reached; ask again with the same key", code="store_down"
        )
        down.__cause__ = failure
        answers = [down] * count
    except Exception as failure:  # noqa: BLE001 (each caller gets it, none may sleep for ever)
        answers = [failure] * count
    finally:
        # whatever ends this thread, the others go on
        _hand_over(queue, tickets, answers)


def _hand_over(queue: _Queue, tickets: list[_Ticket], answers: list[Any]) -> None:
    for ticket, answer in zip(tickets, answers, strict=True):
        ticket.answer = answer
    with queue.lock:
        # Of those whom the next batch takes up, the one who may still wait longest: with a slow
        # database a batch takes seconds, and it fails when its carrier runs out of patience.
        next_up = islice(queue.tickets, batch_load.BATCH_MAX)
        heir = max(next_up, key=lambda ticket: ticket.until, default=None)
        queue.attended = heir is not None
        if heir is not None:
            heir.carries = True
    if heir is not None:
        heir.wake.release()
    for ticket in tickets:
        if not ticket.carries:
            ticket.wake.release()
