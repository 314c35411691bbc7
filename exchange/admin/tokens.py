"""API tokens: whose, for what, last used; a leaked one can be revoked."""

from django.contrib import admin
from django.http import HttpRequest

from exchange.admin.verbs import Verb, Verbs
from exchange.models import ApiToken
from exchange.services import staff


@admin.register(ApiToken)
class ApiTokenAdmin(Verbs):
    """Keys of programs; of each only the first characters are known."""

    list_display = (
        "id",
        "user",
        "name",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_select_related = ("user",)
    search_fields = ("=user__email", "=prefix")
    search_help_text = "an e-mail address, or the first twelve characters of a token"
    ordering = ("-id",)
    sortable_by = ()
    hidden = ("digest",)
    verbs = (
        Verb(
            name="revoke",
            label="Revoke",
            explained="Programs that use these tokens are refused from now on, for good.",
            act=lambda actor, token, reason: staff.token_revoke(
                actor=actor, token=token, reason=reason
            ),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Say no: a token is revoked, never edited."""
        return False
