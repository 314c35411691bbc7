"""The account packages' tables, without what would let staff act as somebody else.

As they come, whoever may change an e-mail address can have a password mailed to it, whoever sees a
session's key is signed in as its owner, and whoever sees an authenticator's data has the second
factor. Here they are to look at, and those columns are not shown.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin import AdminSite

from exchange.admin.base import ReadOnly


class EmailAddressAdmin(ReadOnly):
    """Addresses and whether they were confirmed; people change their own."""

    list_display = ("email", "user", "verified", "primary")
    list_filter = ("verified",)
    list_select_related = ("user",)
    search_fields = ("=email", "=user__email")
    ordering = ("-id",)
    sortable_by = ()


class AuthenticatorAdmin(ReadOnly):
    """Who has which second factor, without the factor."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    ordering = ("-id",)
    sortable_by = ()
    hidden = ("data",)


class UserSessionAdmin(ReadOnly):
    """Where people are signed in, without the key to it."""

    list_display = ("user", "ip", "created_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=ip")
    ordering = ("-id",)
    sortable_by = ()
    hidden = ("session_key", "data")


def close_side_doors(site: AdminSite) -> None:
    """Put these tables in the place of the packages' own, which register after ours."""
    for model, table in (
        (EmailAddress, EmailAddressAdmin),
        (Authenticator, AuthenticatorAdmin),
        (UserSession, UserSessionAdmin),
    ):
        if site.is_registered(model):
            site.unregister(model)
        site.register(model, table)
