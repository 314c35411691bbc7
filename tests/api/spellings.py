"""Two hundred ways to write a figure in JSON, and which of them the one grammar lets through.

Each is the text of a JSON value as it stands in the body. A figure is text of ASCII digits with an
optional point between digits, at most as many decimals as its unit has, and no larger than a table
can hold; nothing else passes, whatever Python, JavaScript or a spreadsheet would make of it.
"""

import json

# What passes, whatever the unit.
GOOD = [
    "1", "12", "100", "0.5", "1.5", "12.50", "0.000001", "1.000000", "99.999999", "007", "00.5",
    "0", "0.0", "0.000000", "10.1", "1000000", "123456.789", "2.000", "3.14159", "000000000000001",
]  # fmt: skip

_TEXTS = [
    # nothing, and what stands for nothing
    "", " ", "\t", "\n", "-", "+", ".", ",", "'", '"', "null", "None", "nil", "undefined", "true",
    "false", "NaN", "nan", "-nan", "inf", "Infinity", "-Infinity", "infinity", "sNaN",
    # signs
    "-1", "+1", "-0", "+0", "--1", "++1", "-0.5", "+0.5", "1-", "1+", "- 1", "+ 1", "\u22121",
    "\uff0d1", "\u20131", "\u00b11", "(1)", "-0.000000",
    # exponents and other bases
    "1e5", "1E5", "1e+5", "1e-5", "1.5e3", "1e0", "1e", "e1", "1e400", "0x10", "0X10", "0b1", "0o7",
    "0x1p3", "1p3", "10h", "#10", "1d", "1f", "1L", "1n", "1m", "1k", "1M", "1_000", "1__0", "_1",
    "1_", "0_1",
    # separators and points
    "1,5", "1,000", "1,000.50", "1.000,50", "1'000", "1 000", "1\u00a0000", "1\u202f000",
    "1\u2009000", "1;5", "1:5", "1/2", "1\\5", "1..5", "1.5.", ".5", "5.", "1.2.3", "..",
    "1\u066b5", "1\u066c000", "1\u00b75", "1\u30025", "1\uff0e5", "1\uff0c5",
    # spaces
    " 1", "1 ", " 1 ", "\t1", "1\n", "\r1", "1\r\n", "\u00a01", "1\u00a0", "\u20031", "\u200b1",
    "1\u200b", "\ufeff1", "1\u2060", "\u180e1", "1\x0b", "1\x0c", "1\x1f", "1 2", "1\t2",
    # digits that are not ASCII
    "\u0661", "\u0661\u0662", "\u06f1", "\u0967", "\u09e7", "\u0e51", "\uff11", "\uff11\uff12",
    "1\u0660", "\u2460", "\u00b2", "1\u00b2", "\u00bd", "\u2155", "\u2170", "\u4e00", "\u3007",
    "\U0001d7cf", "\U0001d7d8", "\u0be7", "\u1041",
    # units, formulas, markup, queries
    "$1", "1$", "\u20ac1", "1 USDC", "USDC 1", "1usdc", "1%", "%1", "=1", "=1+1", "@1", "1+1",
    "1*2", "1-0", "1^2", "1|1", "1;--", "1' OR '1'='1", "1);", "<b>1</b>", "&#49;", "%31",
    "\\u0031", "${1}", "{{1}}", "[1]", "{1}", "one", "eins", "I", "l", "O", "1O", "l0",
    # characters that trick the eye, and controls that can be written in JSON
    "\u202e1", "1\u202c", "1\u0301", "1\u20dd", "\u06f1.5", "1.\u0665", "0.\uff15", "1\u2024 5",
    # length and size
    "9" * 20, "9" * 40, "9" * 41, "9" * 400, "1" + "0" * 5_000, "0." + "0" * 60, "0" * 41,
    "9223372036854775808.000000", "18446744073709551616",
]  # fmt: skip

# Values that are no text: numbers, words, lists, objects.
_RAW = [
    "1", "0", "-1", "1.0", "1.5", "0.1", "-0", "-0.0", "1e5", "1E-2", "1e400",
    "12345678901234567890", "NaN", "Infinity", "-Infinity", "true", "false", "null", "[]", "{}",
    '["1"]', '{"1":1}', "[1]", '{"amount":"1"}', "[[]]", "[null]",
]  # fmt: skip

# More decimals than the unit has.
TOO_FINE = {
    6: ["0.0000001", "1.0000000", "1.1234567", "0.00000049", "12.12345678901"],
    9: ["0.0000000001", "1.0000000000", "1.1234567891", "0.00000000049", "12.12345678901"],
    12: ["0.0000000000001", "1.0000000000000", "1.1234567890123", "12.12345678901234"],
}


def accepted() -> list[str]:
    """Return the JSON of the figures that pass."""
    return [json.dumps(text) for text in GOOD]


def refused(places: int) -> list[str]:
    """Return the JSON of everything that must not, for a unit with that many decimals."""
    return [json.dumps(text) for text in [*_TEXTS, *TOO_FINE[places]]] + _RAW
