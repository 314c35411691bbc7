"""The ticket of a session as a form. It parses; what may happen is decided by its market."""

from typing import Any

from django import forms

from exchange.engines import outcome
from exchange.engines.units import RATE
from exchange.fields import FixedField, MoneyField, PercentField, TokensField

NAME_MAX = 40
SIDES = (("buy", "Buy"), ("sell", "Sell"))
TOKENS = (("yes", "YES"), ("no", "NO"))
TYPES = (("market", "Market"), ("limit", "Limit"))
OUTCOMES_MAX = 9
# The engine counts rates in 1e-9, a percentage field in 1e-8.
FINER = 10**9 // RATE


class SessionTicketForm(forms.Form):
    """What a ticket asks for: a side, a token, a type, a size, and what the type needs besides."""

    side = forms.ChoiceField(choices=SIDES, required=False)
    outcome = forms.IntegerField(min_value=0, max_value=OUTCOMES_MAX, required=False)
    token = forms.ChoiceField(choices=TOKENS, required=False)
    type = forms.ChoiceField(choices=TYPES, required=False)
    size = forms.CharField(strip=False, max_length=40, required=False)
    price = forms.CharField(strip=False, max_length=40, required=False)
    slippage = forms.CharField(strip=False, max_length=40, required=False)
    auto_fill = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """Read the figures that the type needs; the others are None."""
        values = super().clean() or {}
        values["side"] = values.get("side") or outcome.BUY
        values["token"] = values.get("token") or "yes"
        values["type"] = values.get("type") or "market"
        values["outcome"] = values.get("outcome") or 0
        is_limit = values["type"] == "limit"
        self._read("size", TokensField(), values)
        if is_limit:
            self._read("price", MoneyField(), values)
            values["slippage"] = None
        else:
            values["price"], values["auto_fill"] = None, False
            # a bound that is left out is the host's to set
            values["slippage"] = values.get("slippage") or None
            if values["slippage"] is not None:
                self._read("slippage", PercentField(zero_allowed=True), values)
        return values

    @property
    def asked(self) -> dict[str, Any]:
        """What the form asks for, in the engine's words."""
        values = self.cleaned_data
        words = [word for word, _ in TOKENS]
        asked: dict[str, Any] = {
            "side": values["side"],
            "outcome": values["outcome"],
            "token": words.index(values["token"]),
            "size_micro": values["size"],
        }
        if values["price"] is not None:
            asked["price_micro"] = values["price"]
        if values["slippage"] is not None:
            asked["max_slippage_e9"] = values["slippage"] * FINER
        if values["auto_fill"]:
            asked["auto_fill"] = True
        return asked

    def _read(self, name: str, field: FixedField, values: dict[str, Any]) -> None:
        try:
            values[name] = field.clean(values.get(name, ""))
        except forms.ValidationError as error:
            self.add_error(name, error)


class SessionOrderForm(SessionTicketForm):
    """A confirmed ticket, with the key that lets it act only once."""

    key = forms.CharField(strip=False, max_length=64)


class JoinForm(forms.Form):
    """Under which name somebody takes part."""

    name = forms.CharField(max_length=NAME_MAX)


class FindForm(forms.Form):
    """A code, or the whole link that somebody was given."""

    code = forms.CharField(max_length=300)
