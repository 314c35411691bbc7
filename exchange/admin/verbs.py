"""Staff's verbs: chosen in a list, confirmed with a reason on a page of their own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from exchange.admin.base import Shown
from exchange.errors import Malformed, Refused, Unavailable
from exchange.models import User
from exchange.services import staff

TEMPLATE = "admin/exchange/reason.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing staff may do to rows of a table.

    `act` takes actor, row and reason, and by name what else its form asks for. Text that it
    returns is what it found, and is told.
    """

    name: str
    label: str
    explained: str
    act: Callable[..., object]
    form: type["ReasonForm"] | None = None


class ReasonForm(forms.Form):
    """Why it is done, for the public log where there is one."""

    reason = forms.CharField(
        min_length=staff.REASON_MIN,
        max_length=staff.REASON_MAX,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Kept for good with your name; what limits others is shown in public.",
    )

    def clean_reason(self) -> str:
        """Return the reason as it is kept. Raises ValidationError."""
        try:
            return staff.reason_of(self.cleaned_data["reason"])
        except Malformed as refusal:
            raise forms.ValidationError(refusal.message) from refusal


class Verbs(Shown):
    """A table with verbs. Choosing one asks for the reason; nothing happens without it."""

    verbs: tuple[Verb, ...] = ()

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Say whether the verbs are offered: to who may change such rows at all."""
        codename = f"{self.opts.app_label}.change_{self.opts.model_name}"
        return bool(request.user.is_active and request.user.has_perm(codename))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the verbs as actions of the list."""
        if not self.has_act_permission(request):
            return {}
        return {verb.name: (_action(verb), verb.name, verb.label) for verb in self.verbs}

    def ask(self, request: HttpRequest, rows: "QuerySet[Any]", verb: Verb) -> HttpResponse | None:
        """Do the verb where a reason was given, else ask for it.

        What was refused is asked for again with what was typed, and says why at the field.
        """
        given = request.POST if "reason" in request.POST else None
        form = (verb.form or ReasonForm)(given)
        if given is not None and form.is_valid():
            refused = self._do(request, rows, verb, form.cleaned_data)
            if not refused:
                return None
            rows = rows.filter(pk__in=[row.pk for row, _ in refused])
            for row, refusal in refused:
                _tell(form, row, refusal)
        context = {
            **self.admin_site.each_context(request),
            "title": verb.label,
            "verb": verb,
            "rows": rows,
            "form": form,
            "opts": self.opts,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return render(request, TEMPLATE, context)

    def _do(
        self, request: HttpRequest, rows: Iterable[Any], verb: Verb, given: dict[str, Any]
    ) -> list[tuple[Any, Refused | Unavailable]]:
        """Do it row by row; return the rows that refused, each with why."""
        actor = cast("User", request.user)
        more = {name: value for name, value in given.items() if name != "reason"}
        refused: list[tuple[Any, Refused | Unavailable]] = []
        for row in rows:
            try:
                found = verb.act(actor, row, given["reason"], **more)
            except (Refused, Unavailable) as refusal:
                refused.append((row, refusal))
            else:
                self.message_user(request, f"{verb.label}: {row}", messages.SUCCESS)
                if isinstance(found, str):
                    self.message_user(request, found)
        return refused

    def served(self, request: HttpRequest, row: Any, act: Callable[[], object]) -> bool:
        """Do it and return True, or tell why it was refused."""
        try:
            act()
        except (Refused, Unavailable) as refusal:
            self.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
            return False
        return True


def _tell(form: ReasonForm, row: Any, refusal: Refused | Unavailable) -> None:
    """Put a refusal at the field that it names, else above them all."""
    told = {refusal.fields.get("field"), *refusal.fields}
    named = next((name for name in form.fields if name in told), None)
    form.add_error(named, f"{row}: {refusal.message}")


def _action(verb: Verb) -> Callable[..., HttpResponse | None]:
    def act(table: Verbs, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return table.ask(request, rows, verb)

    return admin.action(description=verb.label)(act)
