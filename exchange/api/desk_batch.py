"""Orders that participants handed in at the same moment, taken into the log together.

Each is read, checked and answered by itself, by the functions that the view uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.renderers import JSONRenderer

from exchange import limits, patience
from exchange.api import errors, parsing
from exchange.api.endpoint import taken
from exchange.api.shapes import session_orders as shapes
from exchange.errors import NotFound
from exchange.models import Participant
from exchange.selectors.outcome import access
from exchange.services import commands, metrics
from exchange.services.batch import Request
from exchange.services.outcome import accept, orders

Answer = HttpResponse | Exception


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """An order as it came in: whose token, from where, under which key, and the body's bytes."""

    code: str
    digest: bytes
    address: str
    key: str
    body: bytes


def take(batch: Sequence[Order]) -> list[Answer]:
    """Take orders into the logs of their sessions; return an answer for each, in order."""
    metrics.SESSION_ORDERS_TOGETHER.observe(len(batch))
    try:
        with patience.limited(settings.DB_PATIENCE_S):
            return _taken(batch)
    except Exception as failure:  # noqa: BLE001 (each caller gets it, none may wait for ever)
        return [failure] * len(batch)
    finally:
        connection.close()


def _taken(batch: Sequence[Order]) -> list[Answer]:
    people = access.participants_by_digest({order.digest for order in batch})
    found = [people.get(order.digest) for order in batch]
    # a hall has one address, so who takes part is counted by their own token alone
    callers: list[limits.Caller] = [
        (None, who.user_id) if who else (order.address, None)
        for order, who in zip(batch, found, strict=True)
    ]
    waits = limits.take_all("trade", callers)
    answers: dict[int, Answer] = {}
    fresh: list[tuple[int, Participant, Request]] = []
    for n, (order, who, wait_s) in enumerate(zip(batch, found, waits, strict=True)):
        try:
            one = _admitted(order, who, wait_s)
            fresh.append((n, one, _request(order, one)))
        except Exception as failure:  # noqa: BLE001 (it is its own sender's trouble alone)
            answers[n] = failure
    fresh.sort(key=lambda row: row[1].session_id)
    for _, group in groupby(fresh, key=lambda row: row[1].session_id):
        rows = list(group)
        try:
            answers |= _submitted(rows)
        except Exception as failure:  # noqa: BLE001 (other sessions have no part in it)
            answers |= {n: failure for n, *_ in rows}
    return [answers[n] for n in range(len(batch))]


def _admitted(order: Order, who: Participant | None, wait_s: float | None) -> Participant:
    if who is None:
        raise AuthenticationFailed("this token is unknown", code="token_invalid")
    if wait_s is not None:
        raise limits.too_many(wait_s)
    if who.session.code != order.code:
        access.session(order.code, who.user)
        raise NotFound("you take no part in this session")
    return who


def _request(order: Order, who: Participant) -> Request:
    commands.check_key(order.key)
    values = taken(shapes.SessionOrderInput, parsing.parse(order.body))
    return orders.order_request(participant=who, key=order.key, **shapes.wanted_of(values))


def _submitted(rows: Sequence[tuple[int, Participant, Request]]) -> dict[int, Answer]:
    """Take orders of one session; return the answers by their numbers."""
    requests = [request for *_, request in rows]
    answers: dict[int, Answer] = {}
    found = accept.submit_all(rows[0][1].session, requests)
    for (n, *_), request, done in zip(rows, requests, found, strict=True):
        if isinstance(done, Exception):
            answers[n] = done
            continue
        shown = shapes.SessionOrderShape(shapes.of_accepted(done, request.payload, "order")).data
        answers[n] = HttpResponse(
            JSONRenderer().render(shown),
            status=202,
            content_type="application/json",
            headers={"Cache-Control": "no-store", **errors.replay_header(replayed=done.replayed)},
        )
    return answers
