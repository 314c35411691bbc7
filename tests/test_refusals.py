"""Every code an engine can raise has its sentence, right for the numbers it comes with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange import refusals

ENGINE = Path(__file__).resolve().parent.parent / "exchange/engines/variable"
DOCS = Path(__file__).resolve().parent.parent / "docs/ERRORS.md"
# The specification, section 17.
CODES = [
    "args",
    "not_active",
    "closed_only",
    "oracle_stale",
    "too_small",
    "slippage",
    "insufficient_funds",
    "curve_depth",
    "impact_cap",
    "band",
    "oi_cap_long",
    "capital_long",
    "price_floor",
    "oi_cap_short",
    "capital_short",
    "capital_long_cover",
    "account_cap",
    "margin_low",
    "margin_limit",
    "no_short",
    "no_position",
    "sl_side",
    "tp_side",
    "not_open",
    "exists",
    "no_quorum",
    "min_contribution",
    "deadline",
    "hard_cap",
    "impaired",
    "not_vested",
    "instant_limit",
    "daily_cap",
    "free_capital",
    "queue_first",
    "nothing",
    "not_expired",
    "not_winding",
    "would_liquidate",
]
STALE = {"age_s": 3_600, "age_max_s": 1_800}
# A code, the numbers as the engine gives them, and what must be said.
SAID = [
    ("args", {"reason": "a committed short needs max_margin"}, "A committed short needs"),
    ("closed_only", {"reason": "winding"}, "being wound down. You can still close"),
    ("closed_only", {"reason": "barred"}, "paused in this market or switched off for your"),
    ("closed_only", {"reason": "barred", "by": "account"}, "switched off for your account."),
    ("closed_only", {"reason": "barred", "by": "reduce_only"}, "Staff has set this market"),
    ("closed_only", {"reason": "barred", "by": "pause", "until_s": 300}, "until 00:05:00 UTC"),
    ("oracle_stale", STALE, "opening pauses after 30 min"),
    ("too_small", {"value_micro": 1, "value_min_micro": 10**6}, "smallest order is 1.00 USDC"),
    ("too_small", {"amount_micro": 5}, "0.000005 USDC is too little to buy back"),
    ("too_small", {"value_micro": 5}, "too little for the smallest unit"),
    ("slippage", {"cost_micro": 2 * 10**6, "cost_max_micro": 10**6}, "limit is 1.00 USDC"),
    ("insufficient_funds", {"needed_micro": 3, "cash_micro": 1}, "Need 0.000002 USDC more"),
    (
        "insufficient_funds",
        {"needed_micro": 3, "cash_micro": 1, "shares_max_nano": 2 * 10**9},
        "The most that passes now is 2.0000 shares.",
    ),
    ("curve_depth", {"target_micro": 9, "target_max_micro": 10**6}, "at most 1.00 USDC"),
    (
        "impact_cap",
        {"impact_max_e8": 10**7, "shares_max_nano": 10**9, "amount_max_micro": 10**6},
        "at most 10 %. The most that passes now is 1.00 USDC (1.0000 shares).",
    ),
    ("band", {"market_max_pico": 10**13, "shares_max_nano": 0}, "lift the price above 10.0000"),
    ("band", {"market_min_pico": 10**13, "shares_max_nano": 10**9}, "below 10.0000"),
    ("oi_cap_long", {"shares_max_nano": 10**9, "amount_max_micro": 1}, "(1.0000 shares)"),
    ("oi_cap_short", {"shares_max_nano": 10**9}, "open shorts. The most that passes now is 1.0"),
    ("capital_short", {"shares_max_nano": 0}, "nothing larger than the smallest"),
    ("capital_long_cover", {"shares_max_nano": 10**9}, "backs the open longs. The most"),
    ("price_floor", {"price_min_pico": 10**10, "shares_max_nano": 10**9}, "above 0.0100. The"),
    ("price_floor", {"price_pico": 1, "price_min_pico": 10**10}, "stay above 0.0100."),
    ("margin_low", {"escrow_min_micro": 2, "amount_max_micro": 10**6}, "is 1.00 USDC."),
    ("margin_limit", {"margin_micro": 10**6, "margin_max_micro": 1}, "takes 1.00 USDC of"),
    ("no_position", {"held_nano": 0, "asked_nano": 1}, "nothing here that could be sold"),
    ("no_position", {"held_nano": -5}, "nothing here that this could close"),
    ("no_position", {"held_nano": 10**9, "asked_nano": 2 * 10**9}, "hold 1 shares; this would"),
    ("sl_side", {"stop_pico": 11 * 10**12, "edge_pico": 10**13}, "below 10.0000 for a long"),
    ("tp_side", {"target_pico": 9 * 10**12, "market_pico": 10**13}, "above 10.0000 for a long"),
    ("exists", {"ref": 7}, "timed exit is running"),
    ("exists", {"held_nano": 7}, "opposite side"),
    ("no_quorum", {"reports": 1, "reports_min": 3}, "needs 3 reports"),
    ("hard_cap", {"amount_max_micro": 10**6}, "takes 1.00 USDC more"),
    ("impaired", {"clamped": 1}, "price rise that it cannot book"),
    ("impaired", {"clamped": 0, "equity_micro": 10**6, "units_nano": 10**12}, "has 1.00 USDC"),
    ("not_vested", {"units_max_nano": 5 * 10**9}, "is 5 units"),
    ("instant_limit", {"units_max_nano": 5 * 10**9}, "is 5 units"),
    (
        "daily_cap",
        {"amount_micro": 2 * 10**6, "amount_max_micro": 10**6, "units_max_nano": 10**9},
        "take 1.00 USDC more today; this would pay 2.00 USDC. The most that passes now is 1 units",
    ),
    ("free_capital", {"amount_max_micro": 10**6, "units_max_nano": 10**9}, "1.00 USDC is free"),
    ("free_capital", {"free_micro": 1, "free_min_micro": 10**6}, "need 1.00 USDC"),
    ("nothing", {"ref": 7}, "no longer open"),
    ("nothing", {"status": "active"}, "nothing to return"),
    ("nothing", {"claimable_micro": 0}, "nothing to pay out yet"),
    ("not_expired", {"settle_at_s": 0}, "settles on 01 Jan 1970 00:00 UTC"),
    ("not_expired", {"deadline_s": 0}, "Funding is still running"),
    ("not_open", {"status": "winding"}, "being wound down"),
    ("not_active", {"status": "winding"}, "being wound down"),
]


def _raised() -> Iterator[str]:
    """Return the first text of every Refusal, and of what makes one."""
    for file in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
                "Refusal",
                "_too_large",
            }:
                yield from (str(a.value) for a in node.args if isinstance(a, ast.Constant))


def test_the_engine_raises_no_code_but_those_of_the_specification() -> None:
    assert sorted(set(_raised()) - set(CODES)) == []


def test_every_code_of_the_specification_has_its_own_sentence() -> None:
    assert sorted(refusals.ENGINE) == sorted(CODES)
    assert refusals.GENERAL not in {refusals.sentence(code) for code in CODES}


@pytest.mark.parametrize(("code", "fields", "words"), SAID)
def test_a_sentence_is_right_for_its_numbers(
    code: str, fields: dict[str, object], words: str
) -> None:
    said = refusals.sentence(code, fields).replace("\N{NARROW NO-BREAK SPACE}", " ")

    assert words in said
    assert said.endswith(".")


def test_every_code_is_in_the_document() -> None:
    written = set(re.findall(r"`(\w+)`", DOCS.read_text()))

    assert sorted(set(refusals.SENTENCES) - written) == []
