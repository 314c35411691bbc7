"""The oracle as programs read it: runs, their reports and the evidence behind them. Read-only."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import PageQuery, Public, paged, position_of, query_of
from exchange.api.fields import Fixed, Instant, Price, PublicId, Rate, Text
from exchange.api.schema import operation
from exchange.selectors import access as markets
from oracle.models import Run
from oracle.models.cards import PREFIX as CARD_PREFIX
from oracle.models.runs import PREFIX
from oracle.selectors import access, cards, feed, lists
from oracle.services.forecasting import STORY_PREFIX

OPEN = ("",)
INVENTED = "what was read was invented for the demonstration, in whole or in part"
Out = serializers.Serializer[Any]


class Change(Fixed):
    """A relative change, in 1e-12 inside."""

    places, unit = 12, "fraction of F"


class Usd(Fixed):
    """What sources charge, in micro-USD inside."""

    places, unit = 6, "USD"


class RunQuery(PageQuery):
    """Which runs."""

    market = Text(required=False, max_length=60, help_text="a market's slug")


class ReportShape(Out):
    """One seat's answer."""

    seat = serializers.CharField()
    reader = serializers.CharField()
    reader_version = serializers.CharField()
    sources = serializers.ListField(child=serializers.CharField())
    kind = serializers.CharField(help_text="delta, or level where a published number was read")
    delta = Change(source="delta_pico", help_text="estimated change against F")
    level = Price(source="level_pico", allow_null=True)
    confidence = Rate(source="confidence_e8", help_text="calibrated, as the market counts it")
    stated_confidence = Rate(source="stated_e8", help_text="as the reader said it")
    summary = serializers.CharField(
        allow_blank=True, help_text="one sentence written by a model; it decides nothing"
    )
    impact = serializers.IntegerField(help_text="0 to 100, for reports from text")
    notes = serializers.ListField(child=serializers.CharField())


class LinkShape(Out):
    """Where a story was told. Links are shown and never fetched by us."""

    publisher = serializers.CharField()
    url = serializers.CharField(allow_blank=True, help_text="http or https, or empty")
    site = serializers.CharField(allow_blank=True, help_text="where the link really leads")


class OpinionShape(Out):
    """What one seat made of one story."""

    seat = serializers.CharField()
    word = serializers.CharField(help_text="rises, falls or no change")
    confidence = Rate(source="confidence_e8")


class StoryShape(Out):
    """One story, however many publishers told it."""

    id = PublicId(STORY_PREFIX, source="key")
    title = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    published_at = Instant()
    links = LinkShape(many=True)
    opinions = OpinionShape(many=True)


class ClampShape(Out):
    """A rule that held the move back."""

    rule = serializers.CharField()
    sentence = serializers.CharField()


class SourceShape(Out):
    """How one source did."""

    name = serializers.CharField(source="label")
    state = serializers.CharField(help_text="ok, skipped or failed")
    why = serializers.CharField(allow_blank=True)
    items = serializers.IntegerField()
    known = serializers.IntegerField(help_text="items that were used up before")


class MoveShape(Out):
    """What the market made of it."""

    fundamental_before = Price(source="fundamental_before_pico")
    fundamental = Price(source="fundamental_pico")
    target = Price(source="target_pico")
    market_price = Price(source="market_pico", help_text="M after the batch")
    wanted = Price(source="wanted_pico", help_text="what the curve should move")
    applied = Price(source="applied_pico", help_text="what it moved")
    confidence = Rate(source="confidence_e8")


class PriceThenShape(Out):
    """The market price at one moment after an event: at the end of the last full minute by then."""

    after = serializers.CharField(source="name", help_text="1 minute, 1 hour or 1 day")
    at = Instant()
    market_price = Price(source="market_pico", allow_null=True)
    change = Rate(source="change_e8", allow_null=True, help_text="against right after the event")
    why = serializers.CharField(allow_blank=True, help_text="why there is no price")


class AftermathShape(Out):
    """What the market price did."""

    market_price_before = Price(source="before_pico", allow_null=True)
    why = serializers.CharField(allow_blank=True, help_text="why there is no price before")
    market_price = Price(source="market_pico", help_text="right after the event")
    later = PriceThenShape(many=True)


class JudgementShape(Out):
    """What a person said that a run's news meant; the newest word."""

    word = serializers.CharField(source="get_sign_display", help_text="rises, falls or no change")
    reason = serializers.CharField()
    at = Instant()


class RunShape(Out):
    """One run in a list. A run without change is there too."""

    id = PublicId(PREFIX, source="run.pk")
    market = serializers.CharField(source="run.market.slug")
    number = serializers.IntegerField()
    at = Instant()
    state = serializers.CharField(help_text="moved, no change, no event or running")
    reason = serializers.CharField(allow_blank=True)
    change = Rate(source="change_e8", allow_null=True, help_text="of F")
    move = MoveShape(allow_null=True)
    aftermath = AftermathShape(allow_null=True, help_text="what the price did next")
    clamps = ClampShape(many=True)
    stories = serializers.IntegerField(source="story_count")
    publishers = serializers.IntegerField()
    cost = Usd(source="run.cost_micro", help_text="what its questions to sources cost")
    invented_news = serializers.BooleanField(help_text=INVENTED)
    judgement = JudgementShape(
        allow_null=True, help_text="a person's judgement, where there is one"
    )


class RunDetail(RunShape):
    """One run with everything behind it."""

    stage = serializers.CharField(source="run.state")
    started_at = Instant(source="run.started_at")
    fetched_at = Instant(source="run.fetched_at", allow_null=True, help_text="sources answered")
    read_at = Instant(source="run.read_at", allow_null=True, help_text="readers had reported")
    decided_at = Instant(source="run.decided_at", allow_null=True)
    finished_at = Instant(source="run.finished_at", allow_null=True)
    spec_version = serializers.IntegerField(source="run.spec.version")
    inputs_sha256 = serializers.CharField(source="run.inputs_sha256", allow_blank=True)
    reports_sha256 = serializers.CharField(source="run.reports_sha256", allow_blank=True)
    versions = serializers.DictField(source="run.versions")
    reports = serializers.SerializerMethodField()
    evidence = StoryShape(many=True, source="stories")
    sources = SourceShape(many=True)

    def get_reports(self, item: feed.FeedItem) -> list[dict[str, Any]]:
        """Return the seats' reports in the order of their names."""
        return list(ReportShape(lists.reports(item.run), many=True).data)


class RunPage(Out):
    """A page of runs."""

    results = RunShape(many=True)
    next = serializers.CharField(allow_null=True)


class Claims(Out):
    """So many claims, and how right they were."""

    name = serializers.CharField(allow_blank=True)
    claims = serializers.IntegerField()
    verdicts = serializers.IntegerField(help_text="claims that the world gave a verdict on")
    judged = serializers.IntegerField(help_text="claims of a direction with a verdict")
    hits = serializers.IntegerField()
    hit_rate = Rate(source="hit_e8", allow_null=True)
    low = Rate(source="low_e8", allow_null=True, help_text="of the 95 % interval")
    high = Rate(source="high_e8", allow_null=True)
    usual_rate = Rate(
        source="usual_e8", allow_null=True, help_text="of always claiming the usual direction"
    )
    brier = Rate(source="brier_e8", allow_null=True)
    error = Change(source="error_pico", allow_null=True, help_text="mean absolute error")


class CardLine(Claims):
    """The claims of one seat, reader or source, and how right they were."""

    of = serializers.CharField(help_text="all, topic, seat, reader or source")
    crps = Change(source="crps_pico", allow_null=True)
    error_of_zero = Change(source="zero_pico", allow_null=True)
    bins = serializers.JSONField(help_text="[count, hits, sum of confidences x 1e8] by tenths")
    brier_before = Rate(
        source="stated_brier_e8", allow_null=True, help_text="of the confidence before calibration"
    )
    bins_before = serializers.JSONField(source="stated_bins", help_text="before calibration")


class CardShape(Out):
    """How right one market's oracle was over one period."""

    id = serializers.CharField(source="public_id")
    market = serializers.CharField(source="market.slug")
    topic = serializers.CharField(source="market.topic")
    origin = serializers.CharField(help_text="played through the past, or lived")
    invented_news = serializers.BooleanField(help_text=INVENTED)
    spec_version = serializers.IntegerField(source="spec.version")
    from_at = Instant()
    to_at = Instant()
    made_at = Instant()
    step_s = serializers.IntegerField()
    horizon_s = serializers.IntegerField()
    runs = serializers.IntegerField()
    applied = serializers.IntegerField()
    moved = serializers.IntegerField()
    stories = serializers.IntegerField()
    stage_1_only = serializers.IntegerField()
    labelled = serializers.IntegerField(help_text="runs that a person judged")
    latency_ms = serializers.IntegerField(help_text="the median of one run's reading")
    cost_per_day = Usd(
        source="cost_micro_day",
        help_text="as booked where it lived; at most, by its sources' prices, where it was played",
    )
    error_course = serializers.JSONField(
        source="errors", help_text="[seconds, mean error x 1e12, claims] over the period"
    )
    stage_course = serializers.JSONField(
        source="stages", help_text="[seconds, events, those of stage 1 alone] over the period"
    )
    cost_course = serializers.JSONField(
        source="costs", help_text="[seconds, USD a day x 1e6, runs] over the period"
    )
    reports_sha256 = serializers.CharField()
    versions = serializers.DictField()
    rows = CardLine(many=True)


class CardPage(Out):
    """A page of cards."""

    results = CardShape(many=True)
    next = serializers.CharField(allow_null=True)


class CardList(Public):
    """Every report card of every market, or of one."""

    @operation("oracle_card_list", answer=CardPage, query=RunQuery, tag="oracle", auth=OPEN)
    def get(self, request: Request) -> Response:
        """List report cards, newest first."""
        wanted = query_of(request, RunQuery)
        slug, limit = wanted.get("market"), wanted["limit"]
        rows = cards.recent(
            markets.market(slug) if slug else None,
            position_of(CARD_PREFIX, wanted.get("cursor")),
            limit,
        )
        return paged(CardShape, rows, limit, lambda card: card.public_id)


class RunList(Public):
    """Every run of every market, or of one."""

    @operation("oracle_run_list", answer=RunPage, query=RunQuery, tag="oracle", auth=OPEN)
    def get(self, request: Request) -> Response:
        """List runs, newest first, those without change too."""
        wanted = query_of(request, RunQuery)
        slug, limit = wanted.get("market"), wanted["limit"]
        rows = lists.runs(
            market=markets.market(slug) if slug else None,
            before=position_of(PREFIX, wanted.get("cursor")),
            limit=limit,
        )
        return paged(RunShape, feed.items(rows), limit, lambda item: item.run_id)


class RunRead(Public):
    """One run."""

    @operation("oracle_run_read", answer=RunDetail, tag="oracle", auth=OPEN)
    def get(self, request: Request, run_id: str) -> Response:
        """Describe a run: reports, evidence, sources, clamps, what it did to the prices."""
        run: Run = access.run(run_id)
        return Response(RunDetail(feed.items([run])[0]).data)
