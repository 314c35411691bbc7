"""What the API of the wallet takes and gives; figures are text with every place."""

from typing import Any

from rest_framework import serializers

from chain.models.deposits import PREFIX as DEPOSIT
from chain.models.withdrawals import BOOK_PREFIX, PREFIX
from chain.selectors.access import CHAIN_ID_DIGITS
from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import Digits, Instant, Money, PublicId, Text, Whole

Out = serializers.Serializer[Any]


CHAIN_ID_MOST = 10**CHAIN_ID_DIGITS - 1
ONE_NETWORK = "a chain id of `networks`; without it the first one"


class NetworkQuery(Input):
    """Which network."""

    network = Digits(required=False, least=1, most=CHAIN_ID_MOST, help_text=ONE_NETWORK)


class NetworkBookQuery(Input):
    """Of which network."""

    network = Digits(
        required=False, least=1, most=CHAIN_ID_MOST, help_text="a chain id; without it every one"
    )


class NetworkPageQuery(PageQuery):
    """Which page, and of which network."""

    network = Digits(
        required=False, least=1, most=CHAIN_ID_MOST, help_text="a chain id; without it every one"
    )


class NetworkShape(Out):
    """A network that is served."""

    name = serializers.CharField()
    chain_id = serializers.IntegerField()


class WalletShape(Out):
    """Where to send money to, and what may leave."""

    networks = NetworkShape(many=True, help_text="those that are served, the default first")
    network = serializers.CharField()
    chain_id = serializers.IntegerField()
    token = serializers.CharField(help_text="the only contract whose transfers are credited")
    address = serializers.CharField(help_text="the caller's own, for good")
    deposit_min = Money()
    withdrawal_fee = Money()
    withdrawal_min = Money()
    available = Money(help_text="free to leave now, the fee included")
    not_final = Money(help_text="credited early; leaves once its block is final")
    day_limit = Money()
    day_left = Money()
    frozen_until = Instant(allow_null=True)


class DepositShape(Out):
    """One transfer to the caller's address."""

    id = PublicId(DEPOSIT, source="row.pk")
    state = serializers.CharField(help_text="seen, credited, small, orphaned, foreign or lost")
    amount = Money(source="row.amount_micro")
    chain_id = serializers.IntegerField(source="row.network.chain_id")
    tx_hash = serializers.CharField(source="row.tx_hash")
    position = serializers.IntegerField(
        source="row.position", help_text="of the log within its transaction"
    )
    block = serializers.IntegerField(source="row.block_number")
    blocks_done = serializers.IntegerField(source="progress.done")
    blocks_needed = serializers.IntegerField(source="progress.needed")
    seconds_left = serializers.IntegerField(source="progress.seconds_left")
    seen_at = Instant(source="row.seen_at")
    credited_at = Instant(source="row.credited_at", allow_null=True)
    final_at = Instant(source="row.final_at", allow_null=True)


class DepositPage(Out):
    """A page of deposits."""

    results = DepositShape(many=True)
    next = serializers.CharField(allow_null=True)


class EntryShape(Out):
    """An address of the caller's book."""

    id = PublicId(BOOK_PREFIX, source="row.pk")
    label = serializers.CharField(source="row.label")  # type: ignore[assignment]  # Field has one
    address = serializers.CharField()
    chain_id = serializers.IntegerField(
        source="row.network.chain_id",
        allow_null=True,
        default=None,
        help_text="where it may be paid; null: on every network",
    )
    payable_from = Instant(help_text="48 hours after it was entered")


class BookShape(Out):
    """The caller's address book."""

    results = EntryShape(many=True)


class PaymentInput(Input):
    """What to send, and where to: an address of the caller's own book."""

    address_id = Text(max_length=40, help_text="`id` of an address of the book")
    amount = Money(help_text="what arrives; the fee comes on top")
    network = Whole(
        required=False,
        least=1,
        most=CHAIN_ID_MOST,
        help_text="chain id of the network to pay on; without it the address's own, else the first",
    )


class PaymentShape(Out):
    """One withdrawal to a chain."""

    id = PublicId(PREFIX, source="row.pk")
    state = serializers.CharField(
        source="row.state",
        help_text="held, review, approved, signed, broadcast, mined, final, cancelled, returned",
    )
    reason = serializers.CharField(source="row.reason", allow_blank=True)
    amount = Money(source="row.amount_micro")
    fee = Money(source="row.fee_micro")
    chain_id = serializers.IntegerField(source="row.network.chain_id")
    address = serializers.CharField()
    tx_hash = serializers.CharField(
        source="row.slot.settled_hash", allow_null=True, default=None, help_text="once it is final"
    )
    cancellable = serializers.BooleanField()
    requested_at = Instant(source="row.requested_at")
    cancel_until = Instant(source="row.cancel_until")
    ended_at = Instant(source="row.ended_at", allow_null=True)


class PaymentPage(Out):
    """A page of withdrawals."""

    results = PaymentShape(many=True)
    next = serializers.CharField(allow_null=True)


class ChainHoldingShape(Out):
    """What is held on one chain at one final block."""

    network = serializers.CharField()
    chain_id = serializers.IntegerField()
    token = serializers.CharField()
    block = serializers.IntegerField()
    hash = serializers.CharField()
    held = Money(source="held_micro")


class ReservesShape(Out):
    """The newest proof of reserves."""

    at = Instant()
    liabilities = Money(source="liabilities_micro")
    play_money = Money(source="play_micro", help_text="of the liabilities; no chain is behind it")
    held = Money(source="holdings_micro")
    paid = Money(
        source="paid_micro", help_text="gone from the chains at these blocks, still in liabilities"
    )
    leaving = Money(
        source="leaving_micro", help_text="gone from liabilities, still held at these blocks"
    )
    arriving = Money(
        source="arriving_micro", help_text="credited early: in liabilities, in later blocks"
    )
    shortfall = Money(source="shortfall_micro")
    root = serializers.CharField()  # type: ignore[assignment]  # Field has one
    leaves = serializers.IntegerField(source="leaves_count")
    chains = ChainHoldingShape(source="holdings", many=True)


class StepShape(Out):
    """A sibling on the way to the root."""

    hash = serializers.CharField()
    sum_micro = serializers.CharField()
    left = serializers.BooleanField()


class LeafShape(Out):
    """The caller's leaf, with everything it takes to check it."""

    proof = serializers.IntegerField()
    account = serializers.CharField()
    amount_micro = serializers.CharField()
    salt = serializers.CharField()
    path = StepShape(many=True)
    root = serializers.CharField()  # type: ignore[assignment]  # Field has one
    total_micro = serializers.CharField()
