"""Every code that the engine of outcome markets can raise is told in words, long and short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from exchange import refusals
from exchange.engines import outcome
from exchange.views.session_previews import reason_of

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "exchange/engines/outcome"
# The specification, section 6.2, in its order; what it names once more is raised after matching.
OF_ORDERS = {
    "frozen",
    "reduce_only",
    "inactive_outcome",
    "bad_size",
    "bad_price",
    "insufficient_funds",
    "insufficient_tokens",
    "above_par",
    "no_liquidity",
    "slippage",
}
# What only a host's step or a cancellation is refused with: no ticket's button has to say it.
OF_OTHERS = {"args", "nothing"}
OTHERWISE = "Cannot be placed like this"
MILLION = 10**6


def _raised() -> Iterator[str]:
    """Return the code of every refusal that is written in the engine."""
    for file in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
                "Refusal",
                "Rejected",
            }:
                yield from (str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant))


def test_the_engine_raises_what_is_known_and_nothing_else() -> None:
    assert set(_raised()) == OF_ORDERS | OF_OTHERS


def test_every_code_has_its_own_sentence_and_its_line_in_the_document() -> None:
    written = set(re.findall(r"`(\w+)`", (ROOT / "docs/ERRORS.md").read_text()))
    said = {code: refusals.sentence(code) for code in set(_raised())}

    assert refusals.GENERAL not in said.values()
    assert len(set(said.values())) == len(said)
    assert set(said) <= written


def test_every_code_of_an_order_has_a_reason_for_the_button() -> None:
    fields: dict[str, dict[str, int | str]] = {
        "bad_size": {"size_micro": 1, "size_max_micro": MILLION},
        "slippage": {
            "amount_micro": 2 * MILLION,
            "rebate_micro": 0,
            "filled_micro": MILLION,
            "reference_pico": 10**12,
            "slippage_max_e9": 10**8,
        },
    }
    said = {
        code: reason_of(outcome.Rejected(code, fields.get(code, {}))) for code in sorted(OF_ORDERS)
    }

    assert OTHERWISE not in said.values()
    assert len(set(said.values())) == len(said)
    assert all(len(words) < 60 for words in said.values())
