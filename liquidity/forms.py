"""The forms of the providers' pages. They parse; what may happen is decided by services."""

from typing import Any

from django import forms

from exchange.engines.units import format_fixed
from exchange.engines.variable import Config
from exchange.fields import MoneyField, PercentField, PriceField, SharesField
from liquidity.core.specification import Draft
from liquidity.services.proposals import DIFFERS_MAX, LISTS

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
KINDS = (("delta", "News: it reports changes"), ("level", "A published number"))
SPANS = {
    "interval": ((120, "2 minutes"), (300, "5 minutes"), (600, "10 minutes"), (1800, "30 minutes")),
    "max_stale": ((1800, "30 minutes"), (HOUR_S, "1 hour"), (6 * HOUR_S, "6 hours")),
    "funding_seconds": (
        (3 * DAY_S, "3 days"),
        (7 * DAY_S, "7 days"),
        (14 * DAY_S, "14 days"),
        (30 * DAY_S, "30 days"),
    ),
}
READERS = ((1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"))
DEFAULTS = Config.parse({})


def _texts(choices: tuple[tuple[int, str], ...]) -> list[tuple[str, str]]:
    return [(str(count), word) for count, word in choices]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class ContributionForm(forms.Form):
    """Money for a pool."""

    amount = MoneyField()


class WithdrawalForm(forms.Form):
    """Units to take out of a pool."""

    units = SharesField()


class KeyForm(forms.Form):
    """The key that lets a rendered form act only once, and what else a button says."""

    key = forms.CharField(strip=False, max_length=64, required=False)
    ref = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class ProposalForm(forms.Form):
    """A market to be: its words, its parameters, what its oracle reads, and the stake."""

    WORDS = ("name", "ticker", "slug", "topic", "unit", "question", "summary", "rules")
    READS = ("kind", "queries", "rise_words", "fall_words", "sources")

    name = forms.CharField(
        max_length=80, required=False, help_text="As people say it: “Natural gas in Europe”."
    )
    ticker = forms.CharField(
        max_length=12, required=False, help_text="2 to 12 capital letters and digits."
    )
    slug = forms.CharField(
        max_length=60, required=False, label="Address", help_text="Left empty, it is the name."
    )
    topic = forms.CharField(max_length=40, required=False, help_text="Energy, Sport, Attention …")
    unit = forms.CharField(
        max_length=60,
        required=False,
        label="One share is",
        help_text="What one unit of the price stands for: “USDC per index point”.",
    )
    question = forms.CharField(
        max_length=240,
        required=False,
        label="What does a rise mean?",
        help_text="A question that a rise answers with yes, and that names the variable.",
    )
    summary = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it follows, in two or three sentences.",
    )
    rules = forms.CharField(
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="How news becomes a price, and what happens when a source dies.",
    )

    kind = forms.ChoiceField(choices=KINDS, initial="delta", label="The oracle reads")
    queries = forms.CharField(
        required=False,
        max_length=1200,
        label="Searches",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="1 to 10, one per line; every word must occur.",
    )
    rise_words = forms.CharField(
        required=False,
        max_length=4000,
        label="Words for a rise",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One per line.",
    )
    fall_words = forms.CharField(
        required=False,
        max_length=4000,
        label="Words for a fall",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One per line.",
    )
    sources = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Who prints it: papers, feeds, statistical offices, the name of the series.",
    )

    P0_init = PriceField(label="Opening price", initial="10")
    depth = PercentField(label="Depth", initial="25")
    fee = PercentField(label="Fee", initial="0.5")
    band = PercentField(label="Band", initial="1")
    soft_cap = MoneyField(label="Goal", initial="2500")
    hard_cap = MoneyField(label="Most that is taken", initial="25000")
    min_lp = MoneyField(label="Smallest contribution", initial="10")
    funding_seconds = forms.ChoiceField(
        choices=_texts(SPANS["funding_seconds"]), label="Funding runs for", initial="604800"
    )
    interval = forms.ChoiceField(
        choices=_texts(SPANS["interval"]), label="Oracle runs every", initial="600"
    )
    max_stale = forms.ChoiceField(
        choices=_texts(SPANS["max_stale"]), label="Opens pause without it for", initial="1800"
    )
    quorum = forms.ChoiceField(
        choices=_texts(READERS), label="Independent readers needed", initial="3"
    )

    stake = MoneyField(label="Your first contribution", initial="100")
    differs = forms.CharField(
        required=False,
        max_length=DIFFERS_MAX,
        label="How it differs",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Only where something near exists.",
    )

    @property
    def words(self) -> dict[str, str]:
        """The words of the market; an empty address is made of the name."""
        words = {name: self.text(name) for name in self.WORDS}
        if not words["slug"]:
            plain = "".join(c if c.isascii() and c.isalnum() else " " for c in words["name"])
            words["slug"] = "-".join(plain.lower().split())[:60]
        return words

    @property
    def brief(self) -> dict[str, Any]:
        """What the oracle should read."""
        return {n: _lines(self.text(n)) if n in LISTS else self.text(n) for n in self.READS}

    @property
    def draft(self) -> Draft:
        """The words as the linter takes them, whatever else is wrong."""
        read: dict[str, Any] = {**self.words, **self.brief}
        for name in LISTS:
            read[name] = tuple(read[name])
        return Draft(**read)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that differ from the defaults, as the specification writes them."""
        values = self.cleaned_data
        scales = {"P0_init": 12, "depth": 8, "fee": 8, "band": 8}
        scales |= {"soft_cap": 6, "hard_cap": 6, "min_lp": 6}
        chosen = {name: format_fixed(values[name], places) for name, places in scales.items()}
        chosen |= {name: values[name] for name in (*SPANS, "quorum")}
        usual = DEFAULTS.to_mapping()
        return {name: text for name, text in chosen.items() if text != usual[name]}

    def text(self, name: str) -> str:
        """Return what was typed into a field, trimmed, also where the form is not valid."""
        return str(self[name].value() or "").replace("\r\n", "\n").strip()
