"""People: found by e-mail, restricted in public, never taken over.

No form here sets a password or an address: whoever could do that could act as somebody else. People
do both themselves, with a mail to the old address.
"""

from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from exchange.admin.base import link_list
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.models import Account, Command, Position, User
from exchange.services import staff

MEMBERSHIPS = ("groups", "user_permissions")
EDITABLE = (*staff.LABELS, *staff.RIGHTS, *MEMBERSHIPS)


class UserForm(forms.ModelForm, ReasonForm):  # type: ignore[type-arg]
    """Labels and rights, and why they change."""

    class Meta:
        model = User
        fields = EDITABLE


@admin.register(User)
class UserAdmin(Verbs):
    """Everybody who can hold money here."""

    form = UserForm
    list_display = (
        "email",
        "display_name",
        "is_bot",
        "opens_barred",
        "is_staff",
        "date_joined",
        "last_login",
    )
    list_filter = ("opens_barred", "is_bot", "is_guest", "is_staff")
    search_fields = ("=email", "display_name")
    search_help_text = "an e-mail address, or a part of a name"
    ordering = ("-id",)
    sortable_by = ()
    hidden = ("password",)
    extra = ("accounts_of", "positions_of", "commands_of")
    filter_horizontal = MEMBERSHIPS
    verbs = (
        Verb(
            name="opens_bar",
            label="Bar opens",
            explained="These accounts may close, withdraw and claim, but not open.",
            act=lambda actor, user, reason: staff.opens_bar(actor=actor, user=user, reason=reason),
        ),
        Verb(
            name="opens_allow",
            label="Allow opens",
            explained="These accounts may open positions again.",
            act=lambda actor, user, reason: staff.opens_allow(
                actor=actor, user=user, reason=reason
            ),
        ),
    )

    @admin.display(description="accounts")
    def accounts_of(self, user: User) -> str:
        """Return a link to the user's money."""
        return link_list(Account, "accounts", q=user.email)

    @admin.display(description="positions")
    def positions_of(self, user: User) -> str:
        """Return a link to the user's positions."""
        return link_list(Position, "positions", q=user.email)

    @admin.display(description="orders")
    def commands_of(self, user: User) -> str:
        """Return a link to what the user asked for."""
        return link_list(Command, "orders", q=user.email)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        """Return every column, memberships, and the reason for who may edit."""
        shown = [*super().get_fields(request, obj), *MEMBERSHIPS]
        return [*shown, "reason"] if self.has_change_permission(request, obj) else shown

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        """Return what this member of staff may not write: rights need every right."""
        may_grant = cast("User", request.user).is_superuser
        editable = {"reason", *(EDITABLE if may_grant else staff.LABELS)}
        return [name for name in self.get_fields(request, obj) if name not in editable]

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Hand the changes to the service, which records who and why."""
        names = [n for n in form.changed_data if n in (*staff.LABELS, *staff.RIGHTS)]
        if names:
            change_them = partial(
                staff.user_change,
                actor=cast("User", request.user),
                user=obj,
                changes={name: form.cleaned_data[name] for name in names},
                reason=form.cleaned_data["reason"],
            )
            self.served(request, obj, change_them)

    def save_related(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Write memberships and put them on record."""
        super().save_related(request, form, formsets, change)
        if set(form.changed_data) & set(MEMBERSHIPS):
            user = form.instance
            rights = {name: [str(row) for row in getattr(user, name).all()] for name in MEMBERSHIPS}
            staff.rights_record(
                actor=cast("User", request.user),
                user=user,
                rights=rights,
                reason=form.cleaned_data["reason"],
            )
