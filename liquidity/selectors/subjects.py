"""What a proposal is compared with: the markets that live, and the requests that wait."""

from django.db.models import Q

from exchange.models import Market
from liquidity.core.duplicates import Match, Subject, matches
from liquidity.core.specification import Draft
from liquidity.models import MarketRequest

LIVING = (Market.Status.FUNDING, Market.Status.ACTIVE, Market.Status.WINDING)


def near(draft: Draft, *, apart_from: MarketRequest | None = None) -> list[Match]:
    """Return the markets and pending requests a draft is near to, the nearest first."""
    subject = Subject(label=draft.name, name=draft.name, question=draft.question, unit=draft.unit)
    return matches(subject, _others(apart_from))


def is_taken(draft: Draft) -> bool:
    """Return whether a market or a pending request has this address or ticker."""
    same = Q(slug=draft.slug) | Q(ticker=draft.ticker)
    pending = MarketRequest.objects.filter(state=MarketRequest.State.PENDING)
    return Market.objects.filter(same).exists() or pending.filter(same).exists()


def draft_of(request: MarketRequest) -> Draft:
    """Return the words of a stored request, for the linter."""
    brief = request.brief
    return Draft(
        name=request.name,
        slug=request.slug,
        ticker=request.ticker,
        unit=request.unit,
        question=request.question,
        summary=request.summary,
        rules=request.rules,
        topic=request.topic,
        kind=brief.get("kind", "delta"),
        queries=tuple(brief.get("queries", ())),
        rise_words=tuple(brief.get("rise_words", ())),
        fall_words=tuple(brief.get("fall_words", ())),
        sources=brief.get("sources", ""),
    )


def _others(apart_from: MarketRequest | None) -> list[Subject]:
    waiting = MarketRequest.objects.filter(state=MarketRequest.State.PENDING)
    living = Market.objects.filter(status__in=LIVING)
    if apart_from is not None:
        waiting = waiting.exclude(pk=apart_from.pk)
        living = living.exclude(request=apart_from)
    columns = ("name", "question", "unit")
    asked = [(f"{row[0]} (requested)", row) for row in waiting.values_list(*columns)]
    there = [(row[0], row) for row in living.values_list(*columns)]
    return [
        Subject(label=label, name=name, question=question, unit=unit)
        for label, (name, question, unit) in (*there, *asked)
    ]
