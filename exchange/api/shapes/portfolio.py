"""What one user has: cash, positions, stakes, fills."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input
from exchange.api.fields import Instant, Money, Price, PublicId, Shares

Out = serializers.Serializer[Any]


class BalancesShape(Out):
    """Cash in USDC."""

    cash = Money(source="cash_micro", help_text="free")
    reserved = Money(source="reserved_micro", help_text="set aside")
    version = serializers.IntegerField(help_text="counts the entries on the cash account")


class PositionShape(Out):
    """One net position."""

    market = serializers.SlugField(source="market.slug")
    side = serializers.SerializerMethodField()
    shares = Shares(source="position.shares_nano")
    cost = Money(source="position.entry_micro", help_text="what it cost along the curve")
    average_price = Price(source="average_pico")
    exit_value = Money(source="exit_micro", help_text="what leaving now would pay after fees")
    unrealised = Money(source="unrealised_micro", help_text="exit value less cost")
    at_market_price = Money(
        source="at_market_micro", help_text="shares at M; more than leaving would pay"
    )
    realised = Money(source="position.realised_micro")

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
    value = Money(source="value_micro", help_text="units at net asset value")
    claimable = Money(source="claimable_micro", help_text="fees earned and not claimed")
    claimed = Money(source="stake.claimed_micro")


class StakeList(Out):
    """Every stake."""

    results = StakeShape(many=True)


class FillShape(Out):
    """One execution of one leg of an own order."""

    id = PublicId("fil")
    order = PublicId("ord", allow_null=True)
    market = serializers.SlugField(source="market.slug")
    side = serializers.ChoiceField(choices=["buy", "sell"])
    leg = serializers.CharField()
    shares = Shares(source="shares_nano")
    price = Price(source="price_pico", help_text="average of the leg, before fees")
    value = Money(source="value_micro", help_text="along the curve, before fees")
    fee = Money(source="fee_micro")
    surcharge = Money(source="surcharge_micro")
    realised = Money(source="realised_micro", help_text="profit or loss before fees")
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
