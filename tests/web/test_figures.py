"""How integers are written for people, and how what people write becomes integers."""

import pytest
from django import forms

from exchange import fields, figures, refusals
from exchange.errors import Malformed

N = "\u202f"


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (1, "0.00"),
        (9_999, "0.00"),
        (10_000, "0.01"),
        (999_999_999, "999.99"),
        (1_000_000_000, f"1{N}000.00"),
        (1_234_567_890_123, f"1{N}234{N}567.89"),
        (-1, "\u22120.01"),
        (-1_000_000_000, f"\u22121{N}000.00"),
    ],
)
def test_money_is_cut_and_grouped(micro: int, text: str) -> None:
    assert figures.usdc(micro) == text


@pytest.mark.parametrize(
    ("micro", "text"),
    [(100_000_000, "100.00"), (1, "0.000001"), (12_500_000, "12.50"), (12_345_600, "12.3456")],
)
def test_exact_money_keeps_every_micro(micro: int, text: str) -> None:
    assert figures.usdc_exact(micro) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (2_140_000, f"+2.14{N}%"),
        (-1_080_000, f"\u22121.08{N}%"),
        (0, f"0.00{N}%"),
        (-1, f"\u22120.01{N}%"),
    ],
)
def test_changes_carry_their_sign(rate: int, text: str) -> None:
    assert figures.percent_signed(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, f"0{N}s"),
        (59, f"59{N}s"),
        (60, f"1{N}min"),
        (3_600, f"1{N}h"),
        (5_400, f"1{N}h 30{N}min"),
        (90_000, f"1{N}d 1{N}h"),
    ],
)
def test_ages_in_their_largest_units(seconds: int, text: str) -> None:
    assert figures.age(seconds) == text


ACCEPTED = [("0", 0), ("1", 10**6), ("0.5", 500_000), ("12.345678", 12_345_678), ("007", 7 * 10**6)]
REFUSED: list[object] = [
    "", " ", "1 ", " 1", "+1", "-1", "-0", "1e5", "1E5", "1_000", "1,5", "1.", ".5", "0x10", "NaN",
    "inf", "Infinity", "1.0000001", "\u0661\u0662", "\uff11\uff12", "1\u202f000", "1\n", "1\x00",
    "\u00bd", "1.2.3", "--1", "9" * 41, "9223372036854.775808", None, 1, 1.5, True, [], {},
]  # fmt: skip


@pytest.mark.parametrize(("written", "micro"), ACCEPTED)
def test_one_grammar_passes(written: str, micro: int) -> None:
    assert fields.parse_money(written) == micro


@pytest.mark.parametrize("written", REFUSED, ids=repr)
def test_everything_else_is_refused_with_the_text(written: object) -> None:
    with pytest.raises(Malformed) as refused:
        fields.parse_money(written)

    assert refused.value.code == "money_malformed"
    assert refused.value.fields["text"] == str(written)[:40]
    assert "like 12.50" in str(refused.value.fields["accepted"])


@pytest.mark.parametrize("written", [text for text in REFUSED if isinstance(text, str) and text])
def test_a_form_is_no_kinder(written: str) -> None:
    with pytest.raises(forms.ValidationError):
        fields.MoneyField().clean(written)


@pytest.mark.parametrize("micro", [1, 10**6, 12_345_678, 10**12])
def test_what_is_written_is_read_back(micro: int) -> None:
    assert fields.parse_money(fields.MoneyField.written(micro)) == micro


@pytest.mark.parametrize("code", sorted(refusals.SENTENCES))
def test_every_refusal_has_a_sentence_even_without_its_numbers(code: str) -> None:
    sentence = refusals.sentence(code)

    assert sentence.endswith(".")
    assert "!" not in sentence


def test_an_unknown_code_has_a_plain_sentence() -> None:
    assert refusals.sentence("never_heard_of") == refusals.GENERAL


def test_funds_say_what_is_missing() -> None:
    fields_ = {"needed_micro": 30_000_000, "cash_micro": 17_600_000}

    assert refusals.sentence("insufficient_funds", fields_).startswith("Need 12.40 USDC more")
