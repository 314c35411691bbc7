"""The forms of the pages. They parse; what may happen is decided by services and engines."""

from datetime import timedelta
from typing import Any

from django import forms

from exchange.engines.units import RATE
from exchange.fields import FixedField, MoneyField, PercentField, PriceField, SharesField
from exchange.services import orders, tokens

TYPES = (
    ("market", "Market"),
    ("limit", "Limit"),
    ("protect", "Protect"),
    ("exit", "Timed exit"),
)
SIDES = (("buy", "Buy"), ("sell", "Sell"))
MODES = (("amount", "USDC"), ("shares", "Shares"))
BOUNDS = (("percent", "Percent"), ("price", "Price"))
PERCENT_DEFAULT = "1"
PERCENT_MAX_E8 = RATE // 2
NAME_MAX = 40
MINUTE_S = 60
# The figures of each type of ticket, with whether it needs them.
FIGURES: dict[str, dict[str, tuple[type[FixedField], bool]]] = {
    "market": {"extra": (MoneyField, False)},
    "limit": {"price": (PriceField, True), "margin": (MoneyField, False)},
    "protect": {"stop": (PriceField, False), "target": (PriceField, False)},
    "exit": {"guard": (PriceField, False)},
}
TEXTS = ("extra", "price", "margin", "stop", "target", "guard")
# What the ticket calls its figures, for complaints that do not quote them.
CALLED = {
    "quantity": "How much",
    "bound": "Worst price",
    "extra": "Extra margin",
    "price": "Limit price",
    "margin": "Margin",
    "stop": "Stop-loss",
    "target": "Take-profit",
    "guard": "Guard",
}
EVERY_MIN, EVERY_MAX = orders.INTERVAL_S_MIN // MINUTE_S, orders.INTERVAL_S_MAX // MINUTE_S


def _text() -> forms.CharField:
    return forms.CharField(strip=False, max_length=40, required=False)


def _count(least: int, most: int, words: str) -> forms.IntegerField:
    """Return a field for a whole number; whatever else stands in it is told the range."""
    said = dict.fromkeys(("min_value", "max_value", "invalid"), words)
    return forms.IntegerField(min_value=least, max_value=most, required=False, error_messages=said)


class TicketForm(forms.Form):
    """What a ticket asks for: a type of order, a side, a size, and what the type needs besides.

    Every figure is read as the type and the choice beside it say; those of other types are None.
    """

    type = forms.ChoiceField(choices=TYPES, initial="market", required=False)
    side = forms.ChoiceField(choices=SIDES, initial="buy", required=False)
    mode = forms.ChoiceField(choices=MODES, initial="amount", required=False)
    quantity = _text()
    bound_as = forms.ChoiceField(choices=BOUNDS, initial="percent", required=False)
    bound = _text()
    reduce_only = forms.BooleanField(required=False)
    commit = forms.BooleanField(required=False)
    extra = _text()
    price = _text()
    margin = _text()
    stop = _text()
    target = _text()
    guard = _text()
    chunks = _count(1, orders.CHUNKS_MAX, f"In parts: from 1 to {orders.CHUNKS_MAX}.")
    every = _count(EVERY_MIN, EVERY_MAX, f"Minutes apart: from {EVERY_MIN} to {EVERY_MAX}.")
    replaces = forms.IntegerField(min_value=1, required=False)

    def clean(self) -> dict[str, Any]:
        """Read the figures at the scales that the type and the choices beside them give them."""
        values = super().clean() or {}
        values["type"] = values.get("type") or "market"
        values["side"] = values.get("side") or "buy"
        values["mode"] = "shares" if values["type"] == "exit" else values.get("mode") or "amount"
        known = FIGURES[values["type"]]
        for name in TEXTS:
            field, needed = known.get(name, (None, False))
            if field is None:
                values[name] = None
            else:
                self._read(name, field(required=needed, zero_allowed=name == "extra"), values)
        if values["type"] != "protect":
            by_amount = values["mode"] == "amount"
            self._read("quantity", MoneyField() if by_amount else SharesField(), values)
        if values["type"] == "market":
            self._read_bound(values)
        if values["type"] == "exit":
            self._require_chunks(values)
        return values

    def _read_bound(self, values: dict[str, Any]) -> None:
        values["bound_as"] = values.get("bound_as") or "percent"
        by_percent = values["bound_as"] == "percent"
        bound = PercentField(zero_allowed=True) if by_percent else PriceField()
        if by_percent and not values.get("bound"):
            values["bound"] = PERCENT_DEFAULT
        self._read("bound", bound, values)
        if by_percent and (values.get("bound") or 0) > PERCENT_MAX_E8:
            self.add_error("bound", forms.ValidationError("At most 50 %.", code="too_large"))

    def _require_chunks(self, values: dict[str, Any]) -> None:
        for name, words in (("chunks", "in how many parts"), ("every", "how many minutes apart")):
            if values.get(name) is None and name not in self.errors:
                self.add_error(name, forms.ValidationError(f"Say {words}.", code="required"))

    def _read(self, name: str, field: FixedField, values: dict[str, Any]) -> None:
        try:
            values[name] = field.clean(values.get(name, ""))
        except forms.ValidationError as error:
            self.add_error(name, _naming(name, error))


def _naming(name: str, error: forms.ValidationError) -> forms.ValidationError:
    """Return the complaint with its field's name, unless it quotes what was typed there."""
    text = str(error.message)
    if name not in CALLED or error.code not in {"required", "too_small"}:
        return error
    return forms.ValidationError(f"{CALLED[name]}: {text[:1].lower()}{text[1:]}", code=error.code)


class OrderForm(TicketForm):
    """A confirmed ticket: the bounds as plain figures, and the key that lets it act only once."""

    limit = forms.CharField(strip=False, max_length=40, required=False)
    margin_max = forms.CharField(strip=False, max_length=40, required=False)
    intent = forms.ChoiceField(choices=[(name, name) for name in orders.INTENTS], required=False)
    key = forms.CharField(strip=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        """Read the limit: shares when an amount is spent, USDC otherwise."""
        values = super().clean()
        if values["type"] == "limit" and not values.get("intent"):
            self.add_error(None, forms.ValidationError("Preview the order first.", code="required"))
        if values["type"] != "market":
            return values
        spends = values["side"] == "buy" and values["mode"] == "amount"
        limit = SharesField(zero_allowed=True) if spends else MoneyField(zero_allowed=True)
        self._read("limit", limit, values)
        self._read("margin_max", MoneyField(required=False), values)
        return values


class CollateralForm(forms.Form):
    """Money to put into the escrow of a short, or to take out of it."""

    way = forms.ChoiceField(choices=(("add", "Add"), ("remove", "Remove")), initial="add")
    amount = MoneyField()


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
