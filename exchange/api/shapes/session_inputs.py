"""Sessions: what makes one, and what is asked of one."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import Digits, Flag, Text, Whole
from exchange.engines import outcome
from exchange.models import Session
from exchange.services.sessions import drafts

NUMBER_MAX = 9
TICK_MAX = 2**53


class LabelShape(serializers.Serializer[Any]):
    """How an outcome looks."""

    name = Text(max_length=drafts.LABEL_MAX)
    colour = serializers.ChoiceField(choices=drafts.COLOURS, required=False)
    icon = Text(max_length=drafts.ICON_MAX, required=False, allow_blank=True)
    picture = Text(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="hash of one that the site has kept",
    )


class SessionInput(Input):
    """What makes a session; parameters left out have their defaults."""

    name = Text(max_length=drafts.NAME_MAX)
    summary = Text(max_length=drafts.SUMMARY_MAX, required=False, allow_blank=True)
    outcomes = serializers.ListField(child=LabelShape(), min_length=3, max_length=10)
    money = serializers.ChoiceField(choices=Session.Money.values, required=False)
    mode = serializers.ChoiceField(choices=list(outcome.MODES), required=False)
    parameters = serializers.DictField(
        required=False, help_text="text by the specification's names, such as z, f, batch_ms"
    )
    late_join = Flag(required=False)
    planned_winner = Whole(
        least=0, most=NUMBER_MAX, required=False, help_text="resolves by itself at the end"
    )


class JoinInput(Input):
    """Under which name somebody takes part."""

    name = Text(max_length=40)


class ReasonInput(Input):
    """Why, for the public log."""

    reason = Text(max_length=200, required=False, allow_blank=True)


class EliminateInput(Input):
    """Which outcomes end."""

    outcomes = serializers.ListField(
        child=Whole(least=0, most=NUMBER_MAX), min_length=1, max_length=8
    )


class ResolveInput(Input):
    """Which outcome has won."""

    winner = Whole(least=0, most=NUMBER_MAX)


class CloneInput(Input):
    """Under which name it is to go."""

    name = Text(max_length=drafts.NAME_MAX, required=False)


class SessionQuery(Input):
    """Which levels of the book."""

    depth = Digits(required=False, least=1, most=100, default=10)


class SessionTickQuery(PageQuery):
    """Which ticks."""

    after = Digits(required=False, least=0, most=TICK_MAX, default=0, help_text="a tick's number")


class SeriesQuery(Input):
    """How many points."""

    points = Digits(required=False, least=2, most=5_000, default=500)
