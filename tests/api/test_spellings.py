"""Every field that takes a figure, against every spelling of one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import pytest

from exchange.models import Command, Market
from tests.api.caller import Caller
from tests.api.spellings import accepted, refused
from tests.factories import key, open_market

pytestmark = pytest.mark.django_db


class Figure(NamedTuple):
    """A field that takes a figure, its decimals, and what stands before it in the body."""

    address: str
    field: str
    places: int
    before: str

    def body(self, value: str) -> str:
        return "{" + ",".join(filter(None, [self.before, f'"{self.field}":{value}'])) + "}"


FIGURES = [
    Figure("quotes", "amount", 6, '"side":"buy"'),
    Figure("quotes", "shares", 9, '"side":"buy"'),
    Figure("quotes", "shares", 9, '"side":"sell"'),
    Figure("quotes", "target", 6, '"side":"sell"'),
    Figure("orders", "amount", 6, '"side":"buy"'),
    Figure("orders", "shares", 9, '"side":"sell"'),
    Figure("orders", "target", 6, '"side":"sell"'),
    Figure("orders", "min_shares", 9, '"side":"buy","amount":"10"'),
    Figure("orders", "max_cost", 6, '"side":"buy","shares":"1"'),
    Figure("orders", "min_out", 6, '"side":"sell","shares":"1"'),
    Figure("quotes", "extra", 6, '"side":"sell","shares":"1"'),
    Figure("orders", "max_margin", 6, '"side":"sell","shares":"1"'),
    Figure("limit-orders", "shares", 9, '"intent":"close_long","price":"11"'),
    Figure("limit-orders", "price", 12, '"intent":"close_long","shares":"1"'),
    Figure("limit-orders", "margin", 6, '"intent":"open_short","shares":"1","price":"12"'),
    Figure("limit-orders/quote", "price", 12, '"intent":"open_long","shares":"1"'),
    Figure("timed-exits", "guard_price", 12, '"shares":"1","chunks":2,"interval_s":60'),
    Figure("collateral", "amount", 6, '"action":"add"'),
    Figure("withdrawals", "units", 9, ""),
    Figure("contributions", "amount", 6, ""),
]
each_figure = pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f"{f.address}-{f.field}")


@pytest.fixture(autouse=True)
def _no_limits(unlimited: None) -> None:
    """Ask faster than a program may."""


def test_the_table_is_as_long_as_it_says() -> None:
    for places in (6, 9, 12):
        spellings = accepted() + refused(places)
        assert len(spellings) >= 200
        assert len(set(spellings)) == len(spellings)


@each_figure
def test_only_the_one_grammar_passes(
    as_alice: Caller,
    market: Market,
    nothing_happened: Callable[[], AbstractContextManager[None]],
    figure: Figure,
) -> None:
    slipped = []
    with nothing_happened():
        for value in refused(figure.places):
            answer = as_alice.post(
                f"markets/{market.slug}/{figure.address}/",
                raw=figure.body(value),
                Idempotency_Key=key(),
            )
            if answer.status != 400 or answer.code not in {"money_malformed", "malformed"}:
                slipped.append((value, answer.status))

    assert slipped == []
    assert not Command.objects.filter(user__isnull=False, kind__in=["buy", "sell"]).exists()


@each_figure
def test_the_grammar_itself_passes(as_alice: Caller, market: Market, figure: Figure) -> None:
    slug = open_market("gas").slug if figure.address == "contributions" else market.slug
    for value in accepted():
        answer = as_alice.post(
            f"markets/{slug}/{figure.address}/",
            raw=figure.body(value),
            Idempotency_Key=key(),
        )
        assert answer.status in {200, 201, 422}, (value, answer.raw)
