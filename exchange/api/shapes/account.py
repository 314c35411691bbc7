"""Who one is, and the keys one has made."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input
from exchange.api.fields import Instant, PublicId, Text, Whole
from exchange.services import tokens

Out = serializers.Serializer[Any]
DAYS_MAX = tokens.TTL_MAX.days


class MeShape(Out):
    """The caller."""

    id = PublicId("usr")
    email = serializers.EmailField()
    display_name = serializers.CharField(allow_blank=True)
    is_bot = serializers.BooleanField()
    opens_barred = serializers.BooleanField(help_text="may close and withdraw, but not open")
    signed_in_by = serializers.ChoiceField(choices=["session", "token"])
    scopes = serializers.ListField(child=serializers.CharField(), help_text="what the caller may")


class TokenInput(Input):
    """A key to be."""

    name = Text(max_length=tokens.NAME_MAX)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=tokens.SCOPES),
        min_length=1,
        max_length=len(tokens.SCOPES),
    )
    ttl_days = Whole(
        least=1, most=DAYS_MAX, required=False, help_text="left out: until it is revoked"
    )


class TokenShape(Out):
    """A key, of which only the first characters are known."""

    id = PublicId("tok")
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = Instant()
    expires_at = Instant(allow_null=True)
    last_used_at = Instant(allow_null=True)
    revoked_at = Instant(allow_null=True)


class TokenMade(TokenShape):
    """A new key with its secret, which is shown this once."""

    secret = serializers.CharField()


class TokenList(Out):
    """Every key, newest first."""

    results = TokenShape(many=True)
