"""What one user has: cash, positions, stakes, fills."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input
from exchange.api.fields import Instant, Money, Price, PublicId, Shares
from exchange.ids import public_id

Out = serializers.Serializer[Any]


class BalancesShape(Out):
    """Cash in USDC."""

    cash = Money(source="cash_micro", help_text="free")
    reserved = Money(source="reserved_micro", help_text="set aside for resting orders and holds")
    escrow = Money(source="escrow_micro", help_text="what secures open shorts")
    version = serializers.IntegerField(help_text="counts the entries on the cash account")


class PositionShape(Out):
    """One net position."""

    market = serializers.SlugField(source="market.slug")
    side = serializers.SerializerMethodField()
    shares = Shares(source="position.shares_nano")
    cost = Money(
        source="position.entry_micro",
        help_text="what a long cost along the curve, what a short brought",
    )
    average_price = Price(source="average_pico")
    exit_value = Money(source="exit_micro", help_text="what leaving now would pay after fees")
    unrealised = Money(
        source="unrealised_micro", help_text="exit value less what was put in: cost, or margin"
    )
    at_market_price = Money(
        source="at_market_micro", help_text="shares at M; more than leaving would pay"
    )
    realised = Money(source="position.realised_micro")
    escrow = Money(source="position.escrow_micro", help_text="what secures a short")
    margin = Money(source="margin_micro", help_text="part of the escrow that was put in")
    liquidation_price = Price(
        source="liquidation_pico",
        allow_null=True,
        help_text="a short is liquidated when the close-out price is above it",
    )
    close_out_price = Price(source="close_out_pico", help_text="what shorts are margined at now")
    stop_price = Price(source="position.stop_pico", allow_null=True)
    target_price = Price(source="position.target_pico", allow_null=True)
    timed_exit = serializers.SerializerMethodField()

    def get_timed_exit(self, view: Any) -> str | None:
        """Return the id of the timed exit that is closing it."""
        exits = self.context.get("exits", {})
        row = exits.get((view.market.pk, view.position.exit_ref))
        return public_id("rst", row.pk) if row else None

    def get_side(self, view: Any) -> str:
        """Return long or short."""
        return "long" if view.position.shares_nano > 0 else "short"


class PositionList(Out):
    """Every open position."""

    results = PositionShape(many=True)


class StakeShape(Out):
    """A stake in a pool."""

    market = serializers.SlugField(source="market.slug")
    units = Shares(source="stake.units_nano")
    locked = Shares(source="stake.locked_nano", help_text="in the queue of withdrawals")
    available = Shares(source="available_nano", help_text="vested and not locked")
    value = Money(source="value_micro", help_text="units at net asset value")
    claimable = Money(source="claimable_micro", help_text="fees earned and not claimed")
    claimed = Money(source="stake.claimed_micro")


class StakeList(Out):
    """Every stake."""

    results = StakeShape(many=True)


class FillShape(Out):
    """One execution of one leg of an own order, or of what an own position had set off."""

    id = PublicId("fil")
    order = PublicId("ord", allow_null=True, help_text="empty for what something else set off")
    cause = serializers.CharField(
        help_text="command, commit, limit, stop, target, exit, or margin for a liquidation"
    )
    resting = PublicId("rst", allow_null=True, help_text="the resting order it served")
    market = serializers.SlugField(source="market.slug")
    side = serializers.ChoiceField(choices=["buy", "sell"])
    leg = serializers.CharField()
    shares = Shares(source="shares_nano")
    price = Price(source="price_pico", help_text="average of the leg, before fees")
    value = Money(source="value_micro", help_text="along the curve, before fees")
    fee = Money(source="fee_micro")
    surcharge = Money(source="surcharge_micro")
    realised = Money(source="realised_micro", help_text="profit or loss before fees")
    escrow_change = Money(source="escrow_micro", help_text="of the escrow of a short")
    liquidation_fee = Money(source="penalty_micro")
    at = Instant()


class FillPage(Out):
    """A page of fills."""

    results = FillShape(many=True)
    next = serializers.CharField(allow_null=True)


class ContributionInput(Input):
    """Money for a pool."""

    amount = Money()


class NothingInput(Input):
    """A body without fields."""
