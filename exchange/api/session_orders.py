"""Trading in a session: orders wait for their tick; previews, own money and tokens."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import body_of, key_of_request, paged, position_of, query_of
from exchange.api.errors import replay_header
from exchange.api.schema import operation
from exchange.api.session_endpoint import InSession, part_in, participant_of, session_of
from exchange.api.shapes import session_orders as shapes
from exchange.api.shapes import sessions as public
from exchange.engines import outcome
from exchange.ids import public_id
from exchange.models import Command, OutcomeTick, Participant
from exchange.selectors.outcome import access, configs, portfolio, quotes, series
from exchange.services.outcome import answers, orders
from exchange.services.outcome.accept import Accepted

TAG = "session orders"


class SessionOrders(InSession):
    """The caller's orders in a session."""

    @operation(
        "session_order_list",
        answer=shapes.SessionOrderPage,
        query=shapes.SessionOrderQuery,
        tag=TAG,
    )
    def get(self, request: Request, code: str) -> Response:
        """List what the caller asked, the newest first; with `open`, what rests."""
        participant = participant_of(request, code)
        wanted = query_of(request, shapes.SessionOrderQuery)
        before = position_of("ord", wanted.get("cursor"))
        only_open = wanted["open"] == "true"
        rows = portfolio.asked(
            participant, before=before, limit=wanted["limit"], open_only=only_open
        )
        return paged(
            shapes.SessionOrderShape,
            _shown(participant, rows),
            wanted["limit"],
            lambda row: public_id("ord", row["id"]),
        )

    @operation(
        "session_order_create",
        answer=shapes.SessionOrderShape,
        takes=shapes.SessionOrderInput,
        status=202,
        key=True,
        tag=TAG,
    )
    def post(self, request: Request, code: str) -> Response:
        """Leave an order for the next tick. The answer says which one is expected to take it."""
        participant, key = participant_of(request, code), key_of_request(request)
        values = body_of(request, shapes.SessionOrderInput)
        wanted = shapes.wanted_of(values)
        taken = orders.order_place(participant=participant, key=key, **wanted)
        return _accepted(taken, shapes.payload_of(values), "order")


class SessionOrder(InSession):
    """One of the caller's orders."""

    @operation("session_order_read", answer=shapes.SessionOrderShape, tag=TAG)
    def get(self, request: Request, code: str, order_id: str) -> Response:
        """Return what became of it, as of the newest tick."""
        participant = participant_of(request, code)
        (shown,) = _shown(participant, [access.order_of(participant, order_id)])
        return Response(shapes.SessionOrderShape(shown).data)


class SessionCancel(InSession):
    """Taking an order back."""

    @operation(
        "session_order_cancel",
        answer=shapes.SessionOrderShape,
        takes=shapes.CancelInput,
        status=202,
        key=True,
        tag=TAG,
    )
    def post(self, request: Request, code: str, ref: int) -> Response:
        """Ask the next tick to take back what rests of an order, named by its `ref`."""
        participant, key = participant_of(request, code), key_of_request(request)
        body_of(request, shapes.CancelInput)
        taken = orders.order_cancel(participant=participant, ref=ref, key=key)
        return _accepted(taken, {"ref": ref}, "cancel")


class SessionPreview(InSession):
    """What an order would do."""

    public = frozenset({"POST"})
    throttles = {"POST": "quote"}

    @operation(
        "session_preview",
        answer=shapes.SessionPreviewShape,
        takes=shapes.SessionOrderInput,
        tag=TAG,
        auth=("", "participant", "cookieAuth"),
    )
    def post(self, request: Request, code: str) -> Response:
        """Say what an order would do now, auto-fills included; nothing is kept of it."""
        session = session_of(request, code)
        payload = shapes.payload_of(body_of(request, shapes.SessionOrderInput))
        found = quotes.preview(session, part_in(request, session), payload)
        return Response(shapes.SessionPreviewShape(_previewed(found)).data)


class SessionMine(InSession):
    """What the caller has."""

    @operation("session_mine", answer=shapes.MineShape, tag=TAG)
    def get(self, request: Request, code: str) -> Response:
        """Return own money and tokens, what they are worth, and what each outcome would pay."""
        found = portfolio.portfolio(participant_of(request, code))
        return Response(shapes.MineShape(found).data)


class SessionOwnTrades(InSession):
    """The caller's executions."""

    @operation(
        "session_own_trades",
        answer=shapes.OwnTradePage,
        query=public.SessionTradeQuery,
        tag=TAG,
    )
    def get(self, request: Request, code: str) -> Response:
        """List the caller's executions from their own side, the newest first."""
        participant = participant_of(request, code)
        wanted = query_of(request, public.SessionTradeQuery)
        before = position_of("ofl", wanted.get("cursor"))
        rows = series.trades_of(participant, before=before, limit=wanted["limit"])
        return paged(
            shapes.OwnTradeShape, rows, wanted["limit"], lambda row: public_id("ofl", row.pk)
        )


def _shown(participant: Participant, rows: list[Command]) -> list[dict[str, Any]]:
    session = participant.session
    refs = [row.seq for row in rows if row.seq is not None]
    found = portfolio.orders_by_ref(session, refs)
    seqs = {row.batch_seq for row in rows if row.batch_seq is not None}
    ticks = OutcomeTick.objects.filter(market_id=session.market_id, seq__in=seqs)
    numbers = dict(ticks.values_list("seq", "number"))
    interval, started_ms = configs.config_of(session.market.config).batch_ms, session.started_ms
    return [
        shapes.of_command(
            row,
            numbers.get(row.batch_seq or 0, (_arrived_ms(row) - (started_ms or 0)) // interval + 1),
            found.get(row.seq or 0) if row.kind == "order" else None,
        )
        for row in rows
    ]


def _arrived_ms(row: Command) -> int:
    return int(row.created_at.timestamp() * 1_000)


def _accepted(taken: Accepted, payload: dict[str, Any], kind: str) -> Response:
    shown = shapes.SessionOrderShape(shapes.of_accepted(taken, payload, kind)).data
    return Response(shown, status=202, headers=replay_header(replayed=taken.replayed))


def _previewed(found: quotes.Preview) -> dict[str, Any]:
    shown = {name: getattr(found, name) for name in FIGURES}
    refused = found.refused
    order: outcome.Order | None = found.order
    return {
        **shown,
        "after": found.after,
        "refused": shapes.refused(refused.code, refused.fields) if refused else None,
        "status": order.status if order else None,
        "answer": answers.of_order(order) if order else None,
    }


FIGURES = (
    "average_pico", "reference_pico", "slippage_e9", "gas_micro", "cash_micro", "locked_micro",
    "pays_micro", "exit_micro", "prices", "tick",
)  # fmt: skip
