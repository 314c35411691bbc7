"""The providers' side: contributions to a pool, and the fees a stake has earned."""

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import Endpoint, body_of, key_of_request, trader_of
from exchange.api.orders import accepted
from exchange.api.schema import operation
from exchange.api.shapes.orders import OrderShape
from exchange.api.shapes.portfolio import ContributionInput, NothingInput
from exchange.selectors import access
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
        """Put money into a market that is being funded."""
        user, key = trader_of(request), key_of_request(request)
        amount = body_of(request, ContributionInput)["amount"]
        market = access.market(slug)
        receipt = orders.contribution_place(user=user, market=market, amount_micro=amount, key=key)
        return accepted(receipt, market, key, {"amount_micro": amount})


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
        return accepted(receipt, market, key, {})
