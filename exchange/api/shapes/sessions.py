"""Sessions as they are shown."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from exchange.api.endpoint import PageQuery
from exchange.api.fields import (
    Fixed,
    Instant,
    Money,
    Price,
    PublicId,
    Rate,
)
from exchange.selectors.outcome import reports
from exchange.selectors.outcome.sessions import SessionView

Out = serializers.Serializer[Any]

TOKENS = ("yes", "no")
PHASES = (
    "draft", "lobby", "running", "reduce_only", "frozen", "ended", "resolved", "closed", "halted",
)  # fmt: skip


class Tokens(Fixed):
    """A number of tokens, in micro inside."""

    places, unit = 6, "tokens"


class TokenPrice(Fixed):
    """A price per token on the grid of limits, in micro inside."""

    places, unit = 6, "USDC per token"


class Share(Fixed):
    """A rate, in 1e-9 inside."""

    places, unit = 9, "fraction of 1"


class Fine(Fixed):
    """An amount of USDC to 1e-12."""

    places, unit = 12, "USDC"


class PairShape(Out):
    """YES and NO."""

    yes = Price()
    no = Price()

    def to_representation(self, instance: tuple[int, int]) -> dict[str, str]:
        """Return both as exact decimals."""
        price = Price()
        return {
            name: price.to_representation(pico) for name, pico in zip(TOKENS, instance, strict=True)
        }


class OutcomeShape(Out):
    """One outcome. Ask and bid are what the market maker wants for the next token."""

    number = serializers.IntegerField()
    name = serializers.CharField()
    colour = serializers.CharField()
    icon = serializers.CharField(allow_blank=True)
    picture = serializers.CharField(allow_blank=True, help_text="/pictures/{hash}.webp")
    is_active = serializers.BooleanField()
    has_won = serializers.BooleanField()
    price = PairShape(source="price_pico", help_text="published; zero when out of play")
    ask = PairShape(source="ask_pico")
    bid = PairShape(source="bid_pico")


class ComingShape(Out):
    """What the clock brings next."""

    kind = serializers.ChoiceField(choices=["freeze", "elimination", "choice", "end"])
    at_ms = serializers.IntegerField(help_text="on the session's clock")
    outcomes = serializers.ListField(child=serializers.IntegerField())


class BasketShape(Out):
    """The NO of every outcome: the maker's certain loss at launch, after fees."""

    size = Tokens(source="size_micro")
    loss = Money(source="loss_micro")


class SessionRow(Out):
    """A session in a list."""

    code = serializers.CharField()
    name = serializers.CharField(source="market.name")
    money = serializers.CharField()
    status = serializers.CharField(source="market.status")
    host = serializers.CharField(source="host.public_name")
    created_at = Instant()


class OutcomePoolShape(Out):
    """One outcome's pool; null where it is out of play."""

    outcome = serializers.IntegerField()
    cash = Fine(source="cash_fine", allow_null=True, help_text="V: what people have put in")
    depth = Fine(source="depth_fine", allow_null=True, help_text="L")
    subsidy = Fine(source="subsidy_fine", allow_null=True)
    yes = Tokens(source="yes_micro", allow_null=True, help_text="issued and launch supply")
    no = Tokens(source="no_micro", allow_null=True)
    virtual_yes = Tokens(
        source="virtual_yes_micro", allow_null=True, help_text="added by eliminations"
    )
    seigniorage = Money(source="seigniorage_micro", help_text="of auto-fills in this outcome")


class MakerShape(Out):
    """The market maker's accounts and pools, as of the newest tick.

    Seigniorage by outcome sums up to `seigniorage` and `paid_back`.
    """

    common_depth = Fine(source="common_depth_fine")
    subsidy = Fine(source="subsidy_fine")
    pool = Money(source="pool_micro")
    pairs = Money(source="pairs_micro")
    fees = Money(source="fees_micro")
    seigniorage = Money(source="seigniorage_micro")
    paid_back = Money(source="paid_back_micro", help_text="to orders that set auto-fills off")
    gas = Money(source="gas_micro")
    outcomes = OutcomePoolShape(many=True)


class SessionShape(Out):
    """A session as it stands."""

    code = serializers.CharField(source="session.code")
    name = serializers.CharField(source="market.name")
    summary = serializers.CharField(source="market.summary", allow_blank=True)
    host = serializers.CharField(source="session.host.public_name")
    money = serializers.CharField(source="session.money")
    mode = serializers.CharField(source="session.mode", allow_blank=True)
    phase = serializers.ChoiceField(choices=PHASES)
    late_join = serializers.BooleanField(source="session.late_join")
    participants = serializers.IntegerField()
    outcomes = OutcomeShape(many=True)
    sum_yes = Price(source="sum_yes_pico")
    winner = serializers.IntegerField(source="session.winner", allow_null=True)
    started_ms = serializers.IntegerField(source="session.started_ms", allow_null=True)
    now_ms = serializers.IntegerField(help_text="since the start")
    tick = serializers.IntegerField(source="tick_number")
    next_tick_ms = serializers.IntegerField(help_text="until the next tick is taken")
    left_ms = serializers.IntegerField()
    coming = ComingShape(allow_null=True)
    seq = serializers.IntegerField(source="live.batch_seq")
    volume = Money(source="volume_micro")
    risk = Money(source="risk_micro", help_text="the maker's loss if the worst outcome won now")
    profit = Money(source="profit_micro", help_text="the maker's running result")
    maker = serializers.SerializerMethodField(
        help_text="told to the host, and to all after the end; else null"
    )
    basket = BasketShape()
    reduce_only = serializers.CharField(source="live.reduce_only_reason", allow_blank=True)
    halted = serializers.CharField(source="live.halt_rule", allow_blank=True)
    planned_winner = serializers.IntegerField(
        allow_null=True, help_text="told to the host, and to all after the end"
    )
    parameters = serializers.DictField(
        help_text="whom the rounds eliminate is told to the host, and to all after the end"
    )

    @extend_schema_field(MakerShape(allow_null=True))
    def get_maker(self, view: SessionView) -> Any:
        """Return the maker's report, or None for who may not know it yet."""
        found = reports.of_view(view)
        return None if found is None else MakerShape(found).data


class SessionPage(Out):
    """A list of sessions."""

    results = SessionRow(many=True)
    next = serializers.CharField(allow_null=True)


class JoinedShape(Out):
    """Who one is in a session; the token opens it and is shown this once."""

    name = serializers.CharField()
    token = serializers.CharField(allow_null=True)


class TakenShape(Out):
    """A step that the next tick takes."""

    tick = serializers.IntegerField(help_text="the tick it is expected in")
    tick_ms = serializers.IntegerField(help_text="the end of that tick, since the epoch")


class SessionLevelShape(Out):
    """One price of a book; `paired` of it by minting or merging pairs."""

    price = TokenPrice(source="price_micro")
    size = Tokens(source="size_micro")
    paired = Tokens(source="paired_micro")
    orders = serializers.IntegerField()


class TokenBookShape(Out):
    """One token's book, the best levels first."""

    outcome = serializers.IntegerField()
    token = serializers.SerializerMethodField()
    bids = SessionLevelShape(many=True)
    asks = SessionLevelShape(many=True)

    def get_token(self, row: Any) -> str:
        """Return yes or no."""
        return TOKENS[row.token]


class SessionPricesShape(Out):
    """The newest tick, as the socket tells it."""

    seq = serializers.IntegerField()
    status = serializers.CharField()
    tick = serializers.DictField()


class SessionBookShape(Out):
    """Every book of a session."""

    seq = serializers.IntegerField()
    results = TokenBookShape(many=True)


class SessionTradeShape(Out):
    """An execution, without names."""

    id = PublicId("ofl", source="pk")
    at = Instant()
    kind = serializers.ChoiceField(choices=["direct", "mint", "merge", "amm", "convert", "auto"])
    outcome = serializers.SerializerMethodField()
    token = serializers.SerializerMethodField()
    size = Tokens(source="size_micro")
    amount = Money(source="amount_micro")
    price = Price(source="price_pico")

    def get_outcome(self, row: Any) -> int:
        """Return the number."""
        return int(row.token) >> 1

    def get_token(self, row: Any) -> str:
        """Return yes or no."""
        return TOKENS[row.token & 1]


class SessionTradeQuery(PageQuery):
    """Which executions."""


class SessionTradePage(Out):
    """A page of executions."""

    results = SessionTradeShape(many=True)
    next = serializers.CharField(allow_null=True)


class StandingShape(Out):
    """One line; the gain is net of fees and gas. Real money has no final sum and no rate."""

    place = serializers.IntegerField()
    name = serializers.CharField()
    final = Money(source="final_micro", allow_null=True)
    gain = Money(source="gain_micro")
    gain_rate = Rate(source="gain_e8", allow_null=True)
    trades = serializers.IntegerField()
    gas = Money(source="gas_micro")


class RankingShape(Out):
    """Everybody, the best first."""

    results = StandingShape(many=True)


class SessionTickShape(Out):
    """What a tick has left; a tick in which nothing happened has none."""

    number = serializers.IntegerField()
    seq = serializers.IntegerField()
    t_ms = serializers.IntegerField()
    at = Instant()
    status = serializers.CharField()
    prices = serializers.SerializerMethodField(help_text="YES and NO of each outcome; null: gone")
    volume = Money(source="volume_micro")
    risk = Money(source="risk_micro")
    profit = Money(source="profit_micro")
    commands = serializers.IntegerField()
    fills = serializers.IntegerField()

    def get_prices(self, row: Any) -> list[list[str] | None]:
        """Return them as exact decimals."""
        price = Price()
        return [pair and [price.to_representation(p) for p in pair] for pair in row.prices]


class SessionTickPage(Out):
    """A page of ticks, the oldest first."""

    results = SessionTickShape(many=True)
    next = serializers.CharField(allow_null=True)


class MomentShape(Out):
    """A session as it stood at one tick."""

    number = serializers.IntegerField()
    tick = SessionTickShape(allow_null=True, help_text="the newest batch up to it")
    book = TokenBookShape(many=True)
    trades = SessionTradeShape(many=True, source="fills", help_text="of this very tick")


class SessionPointShape(Out):
    """One point of a graph."""

    number = serializers.IntegerField()
    t_ms = serializers.IntegerField()
    prices = serializers.SerializerMethodField()
    volume = Money(source="volume_micro")
    risk = Money(source="risk_micro")
    profit = Money(source="profit_micro")

    def get_prices(self, row: Any) -> list[list[str] | None]:
        """Return them as exact decimals."""
        price = Price()
        return [pair and [price.to_representation(p) for p in pair] for pair in row.prices]


class SessionSeriesShape(Out):
    """A session over time."""

    results = SessionPointShape(many=True)


class SessionEventShape(Out):
    """A step of a session, in public."""

    kind = serializers.CharField()
    detail = serializers.DictField()
    at = Instant()


class SessionEventPage(Out):
    """A page of steps."""

    results = SessionEventShape(many=True)
    next = serializers.CharField(allow_null=True)
