"""Proposals of markets: send one with its stake, look at one's own, take one back."""

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import (
    Endpoint,
    PageQuery,
    body_of,
    key_of_request,
    paged,
    position_of,
    query_of,
    trader_of,
)
from exchange.api.schema import operation
from exchange.api.shapes.portfolio import NothingInput
from liquidity.api import shapes
from liquidity.models.requests import PREFIX
from liquidity.selectors import access
from liquidity.selectors.requests import requests_of
from liquidity.services import requests


class RequestList(Endpoint):
    """The caller's proposals."""

    @operation("market_request_list", answer=shapes.RequestPage, query=PageQuery, tag="liquidity")
    def get(self, request: Request) -> Response:
        """List own proposals, newest first."""
        user, wanted = trader_of(request), query_of(request, PageQuery)
        before = position_of(PREFIX, wanted.get("cursor"))
        rows = requests_of(user, before=before, limit=wanted["limit"])
        return paged(shapes.RequestShape, rows, wanted["limit"], lambda row: row.public_id)

    @operation(
        "market_request_create",
        answer=shapes.RequestShape,
        takes=shapes.RequestInput,
        status=201,
        key=True,
        tag="liquidity",
    )
    def post(self, request: Request) -> Response:
        """Propose a market and set its first contribution aside until staff decide."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.RequestInput)
        made = requests.request_create(
            user=user,
            words=dict(asked["words"]),
            brief=dict(asked["brief"]),
            parameters=dict(asked["parameters"]),
            stake_micro=asked["stake"],
            differs=asked["differs"],
            key=key,
        )
        return Response(shapes.RequestShape(made).data, status=201)


class RequestRead(Endpoint):
    """One of the caller's proposals."""

    @operation("market_request_read", answer=shapes.RequestShape, tag="liquidity")
    def get(self, request: Request, request_id: str) -> Response:
        """Return an own proposal with its state and that of its stake."""
        row = access.request_of(trader_of(request), request_id)
        return Response(shapes.RequestShape(row).data)


class RequestWithdraw(Endpoint):
    """Taking a proposal back."""

    @operation(
        "market_request_withdraw",
        answer=shapes.RequestShape,
        takes=NothingInput,
        tag="liquidity",
    )
    def post(self, request: Request, request_id: str) -> Response:
        """Take a pending proposal back; its stake returns to the cent."""
        user = trader_of(request)
        body_of(request, NothingInput)
        row = access.request_of(user, request_id)
        done = requests.request_withdraw(user=user, request=row)
        return Response(shapes.RequestShape(access.request_of(user, done.public_id)).data)
