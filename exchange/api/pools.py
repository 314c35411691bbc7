"""The providers' side: contributions to a pool, withdrawals, and the fees a stake has earned."""

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import Endpoint, body_of, key_of_request, paged, query_of, trader_of
from exchange.api.orders import accepted
from exchange.api.resting import wanted_of
from exchange.api.schema import operation
from exchange.api.shapes import resting as shapes
from exchange.api.shapes.orders import OrderShape
from exchange.api.shapes.portfolio import ContributionInput, NothingInput
from exchange.ids import public_id
from exchange.selectors import access, lists
from exchange.services import orders


class ContributionCreate(Endpoint):
    """Funding one market."""

    @operation(
        "contribution_create",
        answer=OrderShape,
        takes=ContributionInput,
        status=201,
        key=True,
        tag="pools",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Put money into a market that is being funded, or mint units of one that trades."""
        user, key = trader_of(request), key_of_request(request)
        amount = body_of(request, ContributionInput)["amount"]
        market = access.market(slug)
        receipt = orders.contribution_place(user=user, market=market, amount_micro=amount, key=key)
        return accepted(user, market, receipt, key, {"amount_micro": amount})


class WithdrawalCreate(Endpoint):
    """Units of one pool, turned back into cash."""

    @operation(
        "withdrawal_create",
        answer=OrderShape,
        takes=shapes.WithdrawalInput,
        status=201,
        key=True,
        tag="pools",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Burn vested units at once within the day's limits, or lock them in the queue."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.WithdrawalInput)
        market, payload = access.market(slug), {"units_nano": asked["units"]}
        receipt = orders.units_withdraw(
            user=user, market=market, key=key, queued=asked.get("queued", False), **payload
        )
        return accepted(user, market, receipt, key, payload)


class WithdrawalList(Endpoint):
    """The caller's requests in the pools' queues."""

    @operation(
        "withdrawal_list", answer=shapes.WithdrawalPage, query=shapes.RestingQuery, tag="pools"
    )
    def get(self, request: Request) -> Response:
        """List own queued withdrawals, newest first, each open one with its place."""
        user, wanted = trader_of(request), query_of(request, shapes.RestingQuery)
        rows = lists.withdrawals(user, **wanted_of(wanted))
        places = lists.places(rows)
        found = [shapes.of_withdrawal(row, places.get(row.pk)) for row in rows]
        return paged(
            shapes.WithdrawalShape,
            found,
            wanted["limit"],
            lambda row: public_id("rst", row["id"]),
        )


class FeeClaimCreate(Endpoint):
    """The fees of one stake."""

    @operation(
        "fee_claim_create",
        answer=OrderShape,
        takes=NothingInput,
        status=201,
        key=True,
        tag="pools",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Pay the caller the fees that the stake has earned."""
        user, key = trader_of(request), key_of_request(request)
        body_of(request, NothingInput)
        market = access.market(slug)
        receipt = orders.fees_claim(user=user, market=market, key=key)
        return accepted(user, market, receipt, key, {})
