"""Random lives of outcome markets: orders, cancellations, eliminations, time, every promise kept.

The auditor keeps its own books from postings and fills and works prices out in exact fractions.
"""

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from exchange.engines import outcome
from exchange.engines.outcome.parameters import Value
from tests.engine.outcome.auditor import Auditor
from tests.engine.outcome.flow import command_of, drafts, parameters
from tests.engine.outcome.scene import ALICE, BOB, Scene

NIGHTLY = bool(os.environ.get("MEGATRON_NIGHTLY"))


class OutcomeMarket(RuleBasedStateMachine):
    """Everything that can be asked of an outcome market, audited after each message."""

    @initialize(values=parameters(), cash=st.sampled_from([300, 20_000, 1_000_000]))
    def open_market(self, values: dict[str, Value], cash: int) -> None:
        self.scene = Scene(values, cash=cash)
        self.auditor = Auditor(self.scene)

    def _is_trading(self) -> bool:
        return self.scene.state.status == outcome.TRADING

    def _apply(self, *commands: outcome.Command) -> tuple[outcome.Result, ...]:
        results = self.scene.apply(*commands)
        self.auditor.after(self.scene.last)
        return results

    @rule(draft=drafts())
    def send(self, draft: dict[str, Any]) -> None:
        (result,) = self._apply(command_of(self.scene, draft))
        if isinstance(result, outcome.Rejected):
            assert not self.scene.last.fills
            assert not self.scene.last.orders
            assert {p.kind for p in self.scene.last.postings} <= {"cash", "gas"}

    @rule(sent=st.lists(drafts(), min_size=2, max_size=8), seed=st.integers(0, 99))
    def send_a_batch(self, sent: list[dict[str, Any]], seed: int) -> None:
        """Apply a batch; messages that arrive in another order bring about the same."""
        scene = self.scene
        commands = [command_of(scene, draft) for draft in sent]
        shuffled = Random(seed).sample(commands, len(commands))
        again = outcome.apply(
            scene.config, scene.state, {}, shuffled, scene.at_ms, frontier=scene.frontier
        )
        self._apply(*commands)
        done = scene.last
        assert outcome.canonical_bytes(again.state) == outcome.canonical_bytes(done.state)
        assert (again.fills, again.postings, again.tick) == (done.fills, done.postings, done.tick)
        by_seq = dict(zip((c.seq for c in shuffled), again.results, strict=True))
        assert [by_seq[c.seq] for c in commands] == list(done.results)

    @rule(later_ms=st.sampled_from([1, 997, 5_000, 20_000]))
    def wait(self, later_ms: int) -> None:
        self.scene.at_ms += later_ms
        self._apply()

    @rule(outcome_=st.integers(0, 2), cents=st.integers(30, 48), tokens=st.integers(1, 400))
    def mint(self, outcome_: int, cents: int, tokens: int) -> None:
        """Let two people make pairs at a price below the market maker's."""
        scene = self.scene
        yes = scene.order(ALICE, outcome.BUY, 2 * outcome_, tokens, price=cents)
        no = scene.order(BOB, outcome.BUY, 2 * outcome_ + 1, tokens, price=100 - cents)
        self._apply(yes, no)

    def _can_eliminate(self) -> bool:
        return self._is_trading() and len(self.scene.state.active) > 2

    @precondition(_can_eliminate)
    @rule(
        picks=st.lists(st.integers(0, 9), min_size=1, max_size=2),
        freeze=st.sampled_from([0, 0, 0, 2_000]),
    )
    def eliminate(self, picks: list[int], freeze: int) -> None:
        scene = self.scene
        active = scene.state.active
        gone = sorted({active[pick % len(active)] for pick in picks})
        resume = scene.at_ms + freeze
        command = outcome.Eliminate(seq=scene.next_seq(), outcomes=tuple(gone), resume_ms=resume)
        (result,) = self._apply(command)
        assert isinstance(result, outcome.Rejected) == (len(active) - len(gone) < 2)
        if isinstance(result, outcome.Eliminated) and not scene.config.vc_enabled:
            assert result.factor_e9 >= 0
        elif isinstance(result, outcome.Eliminated):
            assert result.factor_e9 >= 10**9

    @precondition(_is_trading)
    @rule(rank=st.integers(0, 9), likely=st.integers(0, 9))
    def resolve(self, rank: int, likely: int) -> None:
        """End some markets early; all end in `teardown`."""
        if likely == 0:
            active = self.scene.state.active
            winner = active[rank % len(active)]
            self._apply(outcome.Resolve(seq=self.scene.next_seq(), winner=winner))

    def teardown(self) -> None:
        """Let each outcome win in turn: everybody is paid and the maker loses at most Z."""
        if not hasattr(self, "scene") or not self._is_trading():
            return
        scene = self.scene
        for winner in scene.state.active:
            command = outcome.Resolve(seq=scene.next_seq(), winner=winner)
            done = outcome.apply(
                scene.config, scene.state, {}, [command], scene.at_ms, frontier=scene.frontier
            )
            outcome.check_invariants(scene.config, scene.state, done.state, done)
            assert done.state.pool_micro >= 0
            assert done.state.pairs_micro == 0
            assert all(not order.rests for order in done.orders.values())
            traders = {**scene.frontier.traders, **done.traders}.values()
            assert not any(any(t.held_micro) or any(t.locked_micro) for t in traders)
            assert not any(t.reserved_micro for t in traders)


OutcomeMarket.TestCase.settings = settings(
    max_examples=3_000 if NIGHTLY else 120,
    stateful_step_count=60 if NIGHTLY else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestOutcomeMarket = pytest.mark.timeout(14_400 if NIGHTLY else 400)(OutcomeMarket.TestCase)
