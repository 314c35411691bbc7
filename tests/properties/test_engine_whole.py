"""Random lives of a whole market: shorts, orders, exits, withdrawals, and every promise kept.

The auditor of this file knows nothing of how the engine gets to its figures: it keeps its own
ledger from the postings alone and works out each promise in exact fractions.
"""

from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from exchange.engines import variable
from tests.engine.promises import Books, Market
from tests.engine.scene import ALICE, BOB, CHARLIE, PAT, USDC, Scene
from tests.faults.scale import scaled

PEOPLE = (ALICE, BOB, CHARLIE, PAT)
WHO = st.sampled_from(PEOPLE)

CALM: dict[str, Any] = {}
LOOSE: dict[str, Any] = {"band": None, "impact_cap": "0.15", "max_stale": "10000000"}
WILD: dict[str, Any] = {
    "band": None, "impact_cap": "1", "theta": "5", "kappa_open": "0.05", "kappa_keep": "0",
    "beta": "1", "step_max": "0.3", "day_max": "9", "max_stale": "10000000", "mm": "0.05",
    "im": "0.1", "m_open": "0.2", "phi_short": "1",
}  # fmt: skip
MODES = st.sampled_from([CALM, LOOSE, WILD])
STARTS = st.fixed_dictionaries(
    {
        "P0_init": st.sampled_from(["0.05", "10", "25000"]),
        "depth": st.sampled_from(["0.05", "0.25", "4"]),
        "half_life": st.sampled_from(["0", "60", "1800"]),
    }
)
MONEY = st.builds(
    lambda digits, unit: digits * unit, st.integers(1, 99), st.sampled_from([10**6, 10**7, 10**8])
)
PARTS = st.integers(1, 100)
DELTAS = st.sampled_from([-(3 * 10**11), -(5 * 10**10), -(10**10), 0, 10**10, 5 * 10**10, 10**11])
LEVELS = st.integers(-120, 120)
UNITS_DAY = 86_400


class WholeMarket(RuleBasedStateMachine):
    """Every operation of the specification, with all promises checked after each."""

    @initialize(mode=MODES, start=STARTS, pool=st.sampled_from([2_500, 10_000, 24_000]))
    def open_market(self, mode: dict[str, Any], start: dict[str, Any], pool: int) -> None:
        self.calm = mode is CALM
        self.scene = Scene(unchecked=mode is WILD, **mode, **start)
        self.books = Books(self.scene.traders)
        self._do(variable.Contribute, trader=PAT, amount_micro=pool * USDC)

    def _do(self, kind: Any, **wishes: Any) -> variable.Result:
        before = Market(self.scene)
        result = self.scene.do(kind, **wishes)
        self.books.post(self.scene.last.postings)
        after = Market(self.scene)
        settlement = self.scene.last
        refused = isinstance(result, variable.Rejected)
        if refused and len(settlement.fills) == 0 and kind is not variable.OracleEvent:
            assert not settlement.postings
        after.check_equity(before, settlement)
        if kind in (
            variable.Contribute, variable.WithdrawNow, variable.ProcessQueue, variable.Claim,
        ):  # fmt: skip
            after.check_per_unit(before, settlement)
        if self.calm:
            assert settlement.bad_debt_micro == 0  # I13
        return result

    def _price(self, percent: int) -> int:
        return max(1, self.scene.state.market_pico * (1000 + percent) // 1000)

    def _shares(self, amount: int) -> int:
        return amount * 10**15 // self.scene.state.market_pico + 1

    @rule(key=WHO, amount=MONEY, commit=st.booleans())
    def buy_for_an_amount(self, key: int, amount: int, *, commit: bool) -> None:
        result = self._do(variable.Buy, trader=key, amount_micro=amount, commit=commit)
        self._try_largest(variable.Buy, "amount_max_micro", "amount_micro", key, result)

    @rule(keys=st.permutations(PEOPLE), short=st.booleans())
    def take_all_there_is(self, keys: list[int], *, short: bool) -> None:
        """Fill the caps, so that what follows meets a market at its limits."""
        kind = variable.Sell if short else variable.Buy
        for key in keys[:3]:
            if self.scene.traders[key].shares_nano == 0:
                shares = self._shares(500_000 * USDC)
                result = self._do(kind, trader=key, shares_nano=shares)
                self._try_largest(kind, "shares_max_nano", "shares_nano", key, result)

    @rule(key=WHO, amount=MONEY)
    def buy_a_number(self, key: int, amount: int) -> None:
        self._do(variable.Buy, trader=key, shares_nano=self._shares(amount))

    @rule(key=WHO, amount=MONEY, extra=st.sampled_from([0, 5 * USDC]), commit=st.booleans())
    def sell_a_number(self, key: int, amount: int, extra: int, *, commit: bool) -> None:
        shares = self._shares(amount)
        margin = 3 * amount + 100 * USDC if commit else None
        wishes = {"extra_micro": extra, "commit": commit, "max_margin_micro": margin}
        result = self._do(variable.Sell, trader=key, shares_nano=shares, **wishes)
        if self.scene.traders[key].shares_nano <= 0 and not extra and not commit:
            self._try_largest(variable.Sell, "shares_max_nano", "shares_nano", key, result)

    def _try_largest(
        self, kind: Any, most: str, size: str, key: int, result: variable.Result
    ) -> None:
        """What a refusal calls the largest size does pass."""
        flat = self.scene.traders[key].shares_nano == 0
        if flat and isinstance(result, variable.Rejected) and result.fields.get(most):
            again = self._do(kind, trader=key, **{size: result.fields[most]})
            assert isinstance(again, variable.Filled), again

    @rule(key=WHO, percent=PARTS)
    def close_a_part(self, key: int, percent: int) -> None:
        shares = self.scene.traders[key].shares_nano * percent // 100
        if shares:
            kind = variable.Sell if shares > 0 else variable.Buy
            result = self._do(kind, trader=key, shares_nano=abs(shares))
            assert isinstance(result, variable.Filled), result

    @rule(key=WHO, amount=MONEY, add=st.booleans())
    def move_collateral(self, key: int, amount: int, *, add: bool) -> None:
        kind = variable.AddCollateral if add else variable.RemoveCollateral
        result = self._do(kind, trader=key, amount_micro=amount)
        if isinstance(result, variable.Rejected) and result.fields.get("amount_max_micro"):
            most = result.fields["amount_max_micro"]
            again = self._do(variable.RemoveCollateral, trader=key, amount_micro=most)
            assert isinstance(again, variable.Applied)

    @rule(
        key=WHO,
        amount=MONEY,
        level=LEVELS,
        intent=st.sampled_from(["open_long", "close_long", "open_short", "close_short"]),
    )
    def leave_a_limit(self, key: int, amount: int, level: int, intent: str) -> None:
        margin = 3 * amount + 10 * USDC if intent == "open_short" else None
        self._do(
            variable.PlaceLimit,
            trader=key,
            intent=intent,
            shares_nano=self._shares(amount),
            price_pico=self._price(level),
            margin_micro=margin,
        )

    @rule(key=WHO, stop=st.one_of(st.none(), LEVELS), goal=st.one_of(st.none(), LEVELS))
    def set_targets(self, key: int, stop: int | None, goal: int | None) -> None:
        self._do(
            variable.SetTargets,
            trader=key,
            stop_pico=None if stop is None else self._price(stop),
            target_pico=None if goal is None else self._price(goal),
        )

    @rule(key=WHO, percent=PARTS, chunks=st.integers(1, 4), guard=st.one_of(st.none(), LEVELS))
    def start_an_exit(self, key: int, percent: int, chunks: int, guard: int | None) -> None:
        shares = abs(self.scene.traders[key].shares_nano) * percent // 100
        self._do(
            variable.StartExit,
            trader=key,
            shares_nano=shares,
            chunks=chunks,
            interval_s=300,
            guard_pico=None if guard is None else self._price(guard),
        )

    @precondition(lambda self: bool(self.scene.items))
    @rule(data=st.data(), key=WHO)
    def cancel(self, data: st.DataObject, key: int) -> None:
        item = self.scene.items[data.draw(st.sampled_from(sorted(self.scene.items)))]
        result = self._do(variable.Cancel, trader=key, ref=item.id)
        assert isinstance(result, variable.Applied) == (item.trader == key) or not self.scene.items

    @rule(deltas=st.lists(DELTAS, min_size=3, max_size=4), seconds=st.sampled_from([0, 600, 1900]))
    def hear_the_oracle(self, deltas: list[int], seconds: int) -> None:
        self.scene.now_s += seconds
        self._hear(deltas)

    def _hear(self, deltas: list[int]) -> None:
        reports = tuple(variable.Report(delta_pico=d, confidence_e8=10**8) for d in deltas)
        self._do(variable.OracleEvent, reports=reports)

    @rule(delta=st.sampled_from([-3 * 10**11, 3 * 10**11]), times=st.integers(2, 6))
    def prices_run_away(self, delta: int, times: int) -> None:
        for _ in range(times):
            self.scene.now_s += 600
            self._hear([delta] * 3)
            self._everybody_leaves(shorts_first=True)
            self._everybody_leaves(shorts_first=False)

    @rule(seconds=st.sampled_from([1, 60, 301, 1801, UNITS_DAY, 60 * UNITS_DAY]))
    def wait(self, seconds: int) -> None:
        gap = Market(self.scene).gap
        self.scene.now_s += seconds
        fills = self._do(variable.Heartbeat) and self.scene.last.fills
        if not fills:
            after = Market(self.scene).gap
            assert abs(after) <= abs(gap)  # I11
            assert after * gap >= 0
        if seconds > 1800:
            self._hear([0, 0, 0])

    @rule(key=WHO, amount=MONEY)
    def deposit(self, key: int, amount: int) -> None:
        self._do(variable.Contribute, trader=key, amount_micro=amount)

    @rule(key=WHO, percent=PARTS, now=st.booleans())
    def withdraw(self, key: int, percent: int, *, now: bool) -> None:
        scene = self.scene
        provider = scene.providers.get(key)
        if provider is None:
            return
        vested = variable.vested(scene.config, scene.state, provider, scene.now_s)
        kind = variable.WithdrawNow if now else variable.QueueWithdrawal
        units = vested * percent // (400 if now else 100)
        result = self._do(kind, trader=key, units_nano=units)
        if now and isinstance(result, variable.Rejected) and result.fields.get("units_max_nano"):
            again = self._do(kind, trader=key, units_nano=result.fields["units_max_nano"])
            # another limit may be in the way, but never the same one again
            assert not isinstance(again, variable.Rejected) or again.code != result.code

    @rule(hours=st.sampled_from([0, 1, 25]))
    def process_the_queue(self, hours: int) -> None:
        self.scene.now_s += hours * 3600
        self._do(variable.ProcessQueue)

    @rule(key=WHO)
    def claim(self, key: int) -> None:
        self._do(variable.Claim, trader=key)

    @rule(percent=st.integers(80, 125))
    def recalibrate(self, percent: int) -> None:
        self._do(variable.Recalibrate, k_atto=self.scene.state.k_atto * percent // 100)

    @rule(key=WHO, amount=MONEY, short=st.booleans())
    def go_there_and_back(self, key: int, amount: int, *, short: bool) -> None:
        """I12, on a copy: who is flat and opens and closes at once has never more money."""
        copy = Scene.of(self.scene)
        before = copy.traders[key]
        if before.shares_nano:
            return
        first, second = (variable.Sell, variable.Buy) if short else (variable.Buy, variable.Sell)
        opened = copy.do(first, trader=key, shares_nano=self._shares(amount))
        others = any(fill.trader != key for fill in copy.last.fills)
        left = abs(copy.traders[key].shares_nano)
        if isinstance(opened, variable.Filled) and left and not others:
            copy.do(second, trader=key, shares_nano=left)
            if all(fill.trader == key for fill in copy.last.fills):
                now = copy.traders[key]
                assert now.cash_micro + now.reserved_micro <= (
                    before.cash_micro + before.reserved_micro
                )

    @rule(shorts_first=st.booleans())
    def everybody_leaves(self, *, shorts_first: bool) -> None:
        self._everybody_leaves(shorts_first=shorts_first)

    def _everybody_leaves(self, *, shorts_first: bool) -> None:
        """I3, on a copy: all can close in any order, and the pool pays every one of them."""
        copy = Scene.of(self.scene)
        bare = [
            variable.Trader(
                id=t.id, cash_micro=t.cash_micro, shares_nano=t.shares_nano,
                entry_micro=t.entry_micro, escrow_micro=t.escrow_micro, position_id=t.position_id,
            )
            for t in copy.traders.values()
        ]  # fmt: skip
        copy.frontier = variable.MemoryFrontier(bare, copy.providers.values())
        longs = [t.id for t in bare if t.shares_nano > 0]
        shorts = [t.id for t in bare if t.shares_nano < 0]
        for key in chain(*((shorts, longs) if shorts_first else (longs, shorts))):
            held = copy.traders[key].shares_nano
            if held:
                kind = variable.Sell if held > 0 else variable.Buy
                result = copy.do(kind, trader=key, shares_nano=abs(held))
                assert isinstance(result, variable.Filled), result
        assert copy.state.long_nano == copy.state.short_nano == 0
        assert copy.state.pool_micro >= 0

    @rule(after=st.sampled_from([0, 600]))
    def the_market_ends(self, after: int) -> None:
        """On a copy: wind-down and settlement leave nobody with a claim that is not paid."""
        copy = Scene.of(self.scene)
        copy.do(variable.WindDown)
        assert all(t.reserved_micro == 0 for t in copy.traders.values())
        copy.now_s += after
        copy.do(variable.Settle)
        assert copy.state.status == "settled"
        copy.do(variable.ProcessQueue)
        for key, provider in list(copy.providers.items()):
            if provider.units_nano:
                copy.do(variable.WithdrawNow, trader=key, units_nano=provider.units_nano)
        assert copy.state.units_nano == 0
        assert 0 <= copy.state.pool_micro <= max(len(PEOPLE), 1)

    @invariant()
    def promises_hold(self) -> None:
        if hasattr(self, "scene"):
            market = Market(self.scene)
            market.check_all()
            self.books.check(self.scene)


WholeMarket.TestCase.settings = settings(
    max_examples=scaled(300, 10_000),
    stateful_step_count=scaled(40, 50),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestWholeMarket = pytest.mark.timeout(scaled(600, 14_400))(WholeMarket.TestCase)
