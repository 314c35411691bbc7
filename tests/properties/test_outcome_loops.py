"""Closed loops: whoever buys and sells everything back has earned nothing, whatever the way.

Without fees, and with parameters that move while the loop is under way. The one or two people of a
loop trade with the market maker and with each other; others have traded before them, and outcomes
may have been eliminated since.
"""

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from exchange.engines import outcome
from exchange.engines.outcome.parameters import Value
from tests.engine.outcome.auditor import Auditor
from tests.engine.outcome.flow import command_of, drafts, parameters
from tests.engine.outcome.scene import ALICE, BOB, CHARLIE, DAVE, Scene

NIGHTLY = bool(os.environ.get("MEGATRON_NIGHTLY"))
FREE: dict[str, Value] = {
    "f": "0", "f_match": "0", "gas_fee": "0", "allow_above_par": True, "cm_enabled": True,
}  # fmt: skip
LOOPERS = (ALICE, BOB)

many = settings(
    max_examples=50_000 if NIGHTLY else 250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
STEP = st.tuples(drafts(), st.sampled_from([0, 0, 1_000, 7_000]))
GONE = st.one_of(st.just(set[int]()), st.sets(st.integers(0, 2), min_size=1, max_size=3))
PIECES = st.lists(st.integers(1, 100), min_size=1, max_size=4)


class Loop:
    """A market that others have traded in, and two people who start with money alone."""

    def __init__(
        self, values: dict[str, Value], before: list[dict[str, Any]], gone: set[int]
    ) -> None:
        self.scene = Scene({**values, **FREE}, cash=10_000_000)
        for draft in before:
            self.send({**draft, "trader": CHARLIE if draft["rank"] % 2 else DAVE})
        for ref, order in list(self.scene.frontier.orders.items()):
            self.scene.cancel(order.trader, ref)
        out = sorted(gone)[: self.scene.config.n_outcomes - 2]
        self.has_lost_some = bool(out)
        if out:
            assert isinstance(self.scene.eliminate(out), outcome.Eliminated)
        self.auditor = Auditor(self.scene)
        self.start = self.issued()
        self.money = self.wealth()

    def send(self, draft: dict[str, Any]) -> None:
        self.scene.apply(command_of(self.scene, {**draft, "max_slippage_e9": None}))

    def issued(self) -> list[tuple[int, int, int]]:
        rows = self.scene.state.outcomes
        return [(row.yes_micro, row.no_micro, row.pairs_micro) for row in rows]

    def wealth(self) -> int:
        traders = self.scene.frontier.traders
        return sum(traders[who].cash_micro + traders[who].reserved_micro for who in LOOPERS)

    def walk(self, steps: list[tuple[dict[str, Any], int]]) -> None:
        """Trade as drawn; time passes inside the era."""
        for draft, later_ms in steps:
            self.send({**draft, "trader": LOOPERS[draft["trader"] % 2]})
            self.scene.at_ms = min(self.scene.at_ms + later_ms, 19_999)

    def unwind(self, pieces: list[int], *, merges: bool) -> None:
        """Take back all orders, merge what can be merged if told, and sell the rest in pieces."""
        for who in LOOPERS:
            self._cancel_all(who)
        for i in self.scene.state.active if merges else ():
            self._merge(i)
        for turn in range(6):
            for token in range(2 * self.scene.config.n_outcomes):
                for who in LOOPERS:
                    self._sell(who, token, pieces[turn % len(pieces)] if turn < 5 else 100)

    def _cancel_all(self, who: int) -> None:
        for ref, order in list(self.scene.frontier.orders.items()):
            if order.trader == who:
                self.scene.cancel(who, ref)

    def _merge(self, i: int) -> None:
        """Let one sell YES to the other's NO at a price that the market maker does not beat."""
        scene = self.scene
        row = next(r for r in outcome.report(scene.config, scene.state, scene.at_ms).outcomes
                   if r.outcome == i)  # fmt: skip
        cents = min(99, max(1, row.bid_pico[0] // 10**10 + 1))
        for one, other in (LOOPERS, LOOPERS[::-1]):
            if scene.held(one, 2 * i) and scene.held(other, 2 * i + 1):
                yes, no = scene.held(one, 2 * i), scene.held(other, 2 * i + 1)
                scene.sell(one, 2 * i, yes / 10**6, price=cents)
                scene.sell(other, 2 * i + 1, no / 10**6, price=100 - cents)
                self._cancel_all(one)
                self._cancel_all(other)

    def _sell(self, who: int, token: int, percent: int) -> None:
        held = self.scene.held(who, token)
        lots = max(1, held * percent // 100 // outcome.LOT)
        if held:
            self.scene.sell(who, token, lots / 100)

    def holds(self) -> bool:
        return any(any(self.scene.frontier.traders[who].held_micro) for who in LOOPERS)

    def is_closed(self) -> bool:
        return self.issued() == self.start and not self.holds()


def _buys(step: tuple[dict[str, Any], int]) -> tuple[dict[str, Any], int]:
    """Return a step at the market: without a limit nothing rests and no pair is made."""
    return {**step[0], "offset": None}, step[1]


@pytest.mark.timeout(14_400 if NIGHTLY else 300)
def test_a_loop_through_the_market_maker_earns_nothing() -> None:
    lost: Counter[bool] = Counter()

    @many
    @given(
        values=parameters(),
        before=st.lists(drafts(), max_size=6),
        gone=GONE,
        steps=st.lists(STEP.map(_buys), min_size=1, max_size=6),
        pieces=PIECES,
    )
    def walked(
        *,
        values: dict[str, Value],
        before: list[dict[str, Any]],
        gone: set[int],
        steps: list[tuple[dict[str, Any], int]],
        pieces: list[int],
    ) -> None:
        loop = Loop(values, before, gone)

        loop.walk(steps)
        traded = loop.holds()
        # a merge would use up the cash of others' pairs and leave the market maker with the tokens
        loop.unwind(pieces, merges=False)

        assert loop.is_closed()
        assert loop.wealth() <= loop.money
        lost[loop.has_lost_some] += traded

    walked()

    assert min(lost[True], lost[False]) > 20


@pytest.mark.timeout(14_400 if NIGHTLY else 300)
def test_two_people_with_orders_pairs_and_conversions_earn_nothing() -> None:
    """Where they leave the supplies as they were, they have taken nothing; F never falls at all."""
    closed: Counter[bool] = Counter()

    @many
    @given(
        values=parameters(),
        before=st.lists(drafts(), max_size=6),
        gone=GONE,
        steps=st.lists(STEP, min_size=1, max_size=8),
        pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 900)), max_size=2),
        pieces=PIECES,
    )
    def walked(
        *,
        values: dict[str, Value],
        before: list[dict[str, Any]],
        gone: set[int],
        steps: list[tuple[dict[str, Any], int]],
        pairs: list[tuple[int, int]],
        pieces: list[int],
    ) -> None:
        loop = Loop(values, before, gone)

        for i, tokens in pairs:
            loop.scene.hand_pairs(i, tokens)
        loop.walk(steps)
        traded = loop.holds()
        loop.unwind(pieces, merges=True)

        is_closed = loop.is_closed()
        event(f"closed: {is_closed}")
        loop.auditor.check_backing()
        if is_closed:
            closed[loop.has_lost_some] += traded
            assert loop.wealth() <= loop.money

    walked()

    assert min(closed[True], closed[False]) > 20
