"""What helps a host to set a session up: modes, presets, a rehearsal, the way in, a picture."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input
from exchange.api.fields import Digits, Money, Price
from exchange.api.shapes.session_inputs import SessionInput
from exchange.api.shapes.sessions import BasketShape, Tokens
from exchange.engines.units import MICRO
from exchange.services.sessions import drafts
from exchange.services.sessions.presets import ModeImpact, Preset

Out = serializers.Serializer[Any]

FUND_MAX = drafts.FUND_MICRO_MAX // MICRO
FUND_DEFAULT = 10_000


class ModesQuery(Input):
    """How large a session the modes are for."""

    outcomes = Digits(required=False, least=3, most=10, default=3)
    fund = Digits(
        required=False, least=1, most=FUND_MAX, default=FUND_DEFAULT, help_text="whole USDC"
    )


class CurveShape(Out):
    """What one buyer of YES of outcome 0 does, step by step: its own price, and that of outcome 1.

    The first point is the launch.
    """

    bought = serializers.ListField(source="bought_micro", child=Tokens())
    own = serializers.ListField(source="own_pico", child=Price())
    cross = serializers.ListField(source="cross_pico", child=Price())


class ModeShape(Out):
    """A mode of impact in a session of this size."""

    name = serializers.CharField(help_text="`mode` of a session")
    title = serializers.CharField()
    words = serializers.CharField()
    parameters = serializers.DictField(help_text="what the mode sets for this size")
    curve = CurveShape(source="impact", help_text="at launch prices of 1/N")


class ModeListShape(Out):
    """The four modes."""

    results = ModeShape(many=True)


class PresetShape(Out):
    """A ready-made session. `body` makes it by POST to `sessions/`."""

    name = serializers.CharField()
    words = serializers.CharField()
    body = SessionInput()
    parameters = serializers.DictField(help_text="every parameter, defaults and mode included")
    curve = CurveShape()


class PresetListShape(Out):
    """The presets."""

    results = PresetShape(many=True)


class FrameShape(Out):
    """The market after one step of a rehearsal."""

    t_ms = serializers.IntegerField()
    yes = serializers.ListField(
        source="yes_pico",
        child=Price(allow_null=True),
        help_text="published YES prices; null: out of play",
    )
    volume = Money(source="volume_micro")
    risk = Money(source="risk_micro")
    profit = Money(source="profit_micro")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the frame; an outcome out of play has no price."""
        price = Price()
        shown = super().to_representation(instance)
        shown["yes"] = [p if p is None else price.to_representation(p) for p in instance.yes_pico]
        return dict(shown)


class RehearsalShape(Out):
    """A session played by chance traders from a fixed seed: the same set-up, the same course."""

    people = serializers.IntegerField()
    orders = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="of the orders")
    duration_ms = serializers.IntegerField()
    basket = BasketShape()
    parameters = serializers.DictField(help_text="every parameter, defaults and mode included")
    frames = FrameShape(many=True)


class InvitationShape(Out):
    """The way in."""

    code = serializers.CharField()
    link = serializers.CharField()
    qr = serializers.CharField(help_text="the link as a QR code: an SVG element")


class PictureInput(serializers.Serializer[Any]):
    """One file, as multipart/form-data; its content decides, not what it is called."""

    file = serializers.FileField(help_text="a PNG, JPEG or WebP of at most 8 MB")


class PictureShape(Out):
    """An outcome's picture as the site drew it; empty where it has none."""

    outcome = serializers.IntegerField()
    picture = serializers.CharField(allow_blank=True, help_text="its hash: `picture` of an outcome")
    address = serializers.CharField(allow_blank=True)


def body_of_draft(draft: drafts.Draft) -> dict[str, Any]:
    """Return the body that makes a draft."""
    body: dict[str, Any] = {
        "name": draft.name,
        "summary": draft.summary,
        "outcomes": [
            {name: value for name in LOOKS if (value := getattr(label, name))}
            for label in draft.labels
        ],
        "money": str(draft.money),
        "mode": draft.mode,
        "parameters": dict(draft.parameters),
        "late_join": draft.late_join,
    }
    return {name: value for name, value in body.items() if value != ""}


def of_mode(mode: ModeImpact) -> dict[str, Any]:
    """Return a mode as it is shown."""
    return {
        "name": mode.name,
        "title": mode.label,
        "words": mode.words,
        "parameters": dict(mode.parameters),
        "impact": mode.impact,
    }


def of_preset(preset: Preset, parameters: dict[str, Any], curve: object) -> dict[str, Any]:
    """Return a preset as it is shown."""
    return {
        "name": preset.name,
        "words": preset.words,
        "body": body_of_draft(preset.draft),
        "parameters": parameters,
        "curve": curve,
    }


LOOKS = ("name", "colour", "icon", "picture")
