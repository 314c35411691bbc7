"""The wallet for programs: the address, deposits, the book, withdrawals by a scope of their own."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from chain.api import shapes
from chain.hashing import checksummed
from chain.models import Network, ReserveProof
from chain.models.deposits import PREFIX as DEPOSIT
from chain.models.withdrawals import PREFIX
from chain.selectors import access, wallet
from chain.services import addresses, reserves, withdrawal_rules, withdrawals
from chain.services.withdrawal_rules import Proof
from exchange.api.endpoint import (
    Endpoint,
    Public,
    body_of,
    key_of_request,
    paged,
    position_of,
    query_of,
    trader_of,
)
from exchange.api.schema import operation
from exchange.api.shapes.portfolio import NothingInput
from exchange.errors import NotFound
from exchange.models import ApiToken
from exchange.step_up import proved_at

TAG = "wallet"


class WalletRead(Endpoint):
    """Where to send money to, and what may leave."""

    @operation("wallet_read", answer=shapes.WalletShape, query=shapes.NetworkQuery, tag=TAG)
    def get(self, request: Request) -> Response:
        """Return the caller's deposit address, a network's terms, and what is left of limits."""
        user, wanted = trader_of(request), query_of(request, shapes.NetworkQuery)
        network = access.network_of(wanted.get("network"))
        limits = withdrawal_rules.limits_of(user, network)
        found = {
            "networks": access.networks(),
            "network": network.name,
            "chain_id": network.chain_id,
            "token": checksummed(network.token),
            "address": checksummed(addresses.address_of(user).address),
            "deposit_min": network.deposit_min_micro,
            "withdrawal_fee": network.withdrawal_fee_micro,
            "withdrawal_min": network.withdrawal_min_micro,
            "available": limits.available_micro,
            "not_final": limits.not_final_micro,
            "day_limit": limits.day_limit_micro,
            "day_left": limits.day_left_micro,
            "frozen_until": limits.frozen_until,
        }
        return Response(shapes.WalletShape(found).data)


class DepositList(Endpoint):
    """What arrived, or is on its way."""

    @operation("deposit_list", answer=shapes.DepositPage, query=shapes.NetworkPageQuery, tag=TAG)
    def get(self, request: Request) -> Response:
        """List own deposits, newest first, with how far each is."""
        user, wanted = trader_of(request), query_of(request, shapes.NetworkPageQuery)
        before = position_of(DEPOSIT, wanted.get("cursor"))
        rows = wallet.deposits_of(user, _named(wanted), before=before, limit=wanted["limit"])
        return paged(shapes.DepositShape, rows, wanted["limit"], lambda v: v.row.public_id)


class BookRead(Endpoint):
    """The address book; addresses are entered on the page alone."""

    @operation("address_list", answer=shapes.BookShape, query=shapes.NetworkBookQuery, tag=TAG)
    def get(self, request: Request) -> Response:
        """List the addresses that may be paid, where, and from when."""
        wanted = query_of(request, shapes.NetworkBookQuery)
        rows = wallet.book_of(trader_of(request), _named(wanted))
        return Response(shapes.BookShape({"results": rows}).data)


class PaymentList(Endpoint):
    """Withdrawals to a chain."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "HEAD": "read", "POST": "withdraw"}
    throttles: ClassVar[dict[str, str]] = {"GET": "read", "HEAD": "read", "POST": "money"}

    @operation("payment_list", answer=shapes.PaymentPage, query=shapes.NetworkPageQuery, tag=TAG)
    def get(self, request: Request) -> Response:
        """List own withdrawals to a chain, newest first."""
        user, wanted = trader_of(request), query_of(request, shapes.NetworkPageQuery)
        before = position_of(PREFIX, wanted.get("cursor"))
        rows = wallet.withdrawals_of(user, _named(wanted), before=before, limit=wanted["limit"])
        return paged(shapes.PaymentShape, rows, wanted["limit"], lambda v: v.row.public_id)

    @operation(
        "payment_create",
        answer=shapes.PaymentShape,
        takes=shapes.PaymentInput,
        status=201,
        key=True,
        tag=TAG,
    )
    def post(self, request: Request) -> Response:
        """Send USDC to an address of the own book; a token needs `withdraw` and 24 hours of age."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.PaymentInput)
        token = request.auth if isinstance(request.auth, ApiToken) else None
        entry = access.entry_of(user, asked["address_id"])
        own = entry.network.chain_id if entry.network else None
        row = withdrawals.withdrawal_request(
            user=user,
            network=access.network_of(asked.get("network", own)),
            entry=entry,
            amount_micro=asked["amount"],
            key=key,
            proof=Proof(token=token) if token else Proof(at=proved_at(request)),
        )
        return Response(shapes.PaymentShape(wallet.withdrawal_view(row)).data, status=201)


def _named(wanted: dict[str, Any]) -> Network | None:
    """Return the network that a query names, None where it names none. Raises NotFound."""
    chain_id = wanted.get("network")
    return None if chain_id is None else access.network_of(chain_id)


class PaymentRead(Endpoint):
    """One of the caller's withdrawals to a chain."""

    @operation("payment_read", answer=shapes.PaymentShape, tag=TAG)
    def get(self, request: Request, payment_id: str) -> Response:
        """Return an own withdrawal with its state."""
        row = access.withdrawal_of(trader_of(request), payment_id)
        return Response(shapes.PaymentShape(wallet.withdrawal_view(row)).data)


class PaymentCancel(Endpoint):
    """Taking a withdrawal back."""

    scopes: ClassVar[dict[str, str]] = {"POST": "withdraw"}
    # Not `money`: what stops a payment must work while the limits cannot be asked.
    throttles: ClassVar[dict[str, str]] = {"POST": "trade"}

    @operation("payment_cancel", answer=shapes.PaymentShape, takes=NothingInput, tag=TAG)
    def post(self, request: Request, payment_id: str) -> Response:
        """Take a withdrawal back before it is signed; the money returns at once."""
        user = trader_of(request)
        body_of(request, NothingInput)
        row = access.withdrawal_of(user, payment_id)
        withdrawals.withdrawal_cancel(user=user, withdrawal=row)
        again = access.withdrawal_of(user, payment_id)
        return Response(shapes.PaymentShape(wallet.withdrawal_view(again)).data)


class ReservesRead(Public):
    """What is owed and held."""

    @operation("reserves_read", answer=shapes.ReservesShape, tag=TAG, auth=())
    def get(self, request: Request) -> Response:
        """Return the newest proof of reserves."""
        newest = ReserveProof.objects.first()
        if newest is None:
            raise NotFound("no proof was published yet")
        return Response(shapes.ReservesShape(newest).data)


class LeafRead(Endpoint):
    """The caller's leaf."""

    @operation("reserves_leaf", answer=shapes.LeafShape, tag=TAG)
    def get(self, request: Request) -> Response:
        """Return the own leaf in the newest proof, with its path to the root."""
        leaf = access.leaf_of(trader_of(request))
        return Response(shapes.LeafShape(reserves.path_of(leaf)).data)
