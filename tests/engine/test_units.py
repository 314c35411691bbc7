import pytest

from exchange.engines.units import format_fixed, parse_fixed


@pytest.mark.parametrize(
    ("text", "places", "value"),
    [
        ("0", 6, 0),
        ("12.5", 6, 12_500_000),
        ("0.000001", 6, 1),
        ("007", 0, 7),
        ("1", 12, 10**12),
        ("9" * 40, 0, 10**40 - 1),
    ],
)
def test_reads_plain_decimals(text: str, places: int, value: int) -> None:
    assert parse_fixed(text, places) == value


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "1.", ".5", "+1", "-1", "-0", " 1", "1 ", "1_000", "1,5", "1e5", "1E5", "0x1",
        "1.2.3", "1.0000001", "\N{FULLWIDTH DIGIT ONE}", "\N{ARABIC-INDIC DIGIT ONE}",
        "\N{SUPERSCRIPT TWO}", "nan", "inf", "1\n", "9" * 41, "0." + "0" * 40,
    ],
)  # fmt: skip
def test_refuses_every_other_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_fixed(text, 6)


@pytest.mark.parametrize("value", [5, 1.5, None, b"1", True])
def test_refuses_what_is_not_text(value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_fixed(value, 6)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0, 6, "0.000000"),
        (1, 6, "0.000001"),
        (12_500_000, 6, "12.500000"),
        (-1, 6, "-0.000001"),
        (-12, 0, "-12"),
        (7, 0, "7"),
    ],
)
def test_writes_every_place(value: int, places: int, text: str) -> None:
    assert format_fixed(value, places) == text
