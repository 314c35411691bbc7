"""The forms of the pages. They parse; what may happen is decided by services and engines."""

from datetime import timedelta
from typing import Any

from django import forms

from exchange.engines.units import RATE
from exchange.fields import FixedField, MoneyField, PercentField, PriceField, SharesField
from exchange.services import tokens

SIDES = (("buy", "Buy"), ("sell", "Sell"))
MODES = (("amount", "USDC"), ("shares", "Shares"))
BOUNDS = (("percent", "Percent"), ("price", "Price"))
PERCENT_DEFAULT = "1"
PERCENT_MAX_E8 = RATE // 2
NAME_MAX = 40


class TicketForm(forms.Form):
    """What a ticket asks for: a side, a size, and the worst price accepted."""

    side = forms.ChoiceField(choices=SIDES, initial="buy")
    mode = forms.ChoiceField(choices=MODES, initial="amount")
    quantity = forms.CharField(strip=False, max_length=40, required=False)
    bound_as = forms.ChoiceField(choices=BOUNDS, initial="percent", required=False)
    bound = forms.CharField(strip=False, max_length=40, required=False)

    def clean(self) -> dict[str, Any]:
        """Read the two figures at the scale that the choice beside each gives them."""
        values = super().clean() or {}
        quantity = MoneyField() if values.get("mode") == "amount" else SharesField()
        self._read("quantity", quantity, values)
        values["bound_as"] = values.get("bound_as") or "percent"
        by_percent = values["bound_as"] == "percent"
        bound = PercentField(zero_allowed=True) if by_percent else PriceField()
        if by_percent and not values.get("bound"):
            values["bound"] = PERCENT_DEFAULT
        self._read("bound", bound, values)
        if by_percent and (values.get("bound") or 0) > PERCENT_MAX_E8:
            self.add_error("bound", forms.ValidationError("At most 50 %.", code="too_large"))
        return values

    def _read(self, name: str, field: FixedField, values: dict[str, Any]) -> None:
        try:
            values[name] = field.clean(values.get(name, ""))
        except forms.ValidationError as error:
            self.add_error(name, error)


class OrderForm(TicketForm):
    """A confirmed ticket: the bound as a plain figure, and the key that lets it act only once."""

    limit = forms.CharField(strip=False, max_length=40)
    key = forms.CharField(strip=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        """Read the limit: shares when an amount is spent, USDC otherwise."""
        values = super().clean()
        spends = values.get("side") == "buy" and values.get("mode") == "amount"
        limit = SharesField(zero_allowed=True) if spends else MoneyField(zero_allowed=True)
        self._read("limit", limit, values)
        return values


class ContributionForm(forms.Form):
    """Money for a pool that is being funded."""

    amount = MoneyField()
    key = forms.CharField(strip=False, max_length=64)


class ProfileForm(forms.Form):
    """What other people see of a trader."""

    display_name = forms.CharField(max_length=NAME_MAX, required=False)

    def clean_display_name(self) -> str:
        """Keep names printable: no control characters, no invisible ones."""
        name: str = self.cleaned_data["display_name"]
        if not name.isprintable():
            raise forms.ValidationError("Use letters, digits and common signs only.")
        return name


class TokenForm(forms.Form):
    """A key to the API: a name, what it may do, and for how long."""

    LIVES = (("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until revoked"))

    name = forms.CharField(max_length=tokens.NAME_MAX)
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in tokens.SCOPES], initial=["read"]
    )
    days = forms.ChoiceField(choices=LIVES, required=False, initial="90")

    @property
    def ttl(self) -> timedelta | None:
        """How long the token lives, or None for until it is revoked."""
        days = self.cleaned_data.get("days")
        return timedelta(days=int(days)) if days else None
