"""Random lives of a market: the engine against an auditor that works in exact fractions."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from exchange.engines import variable
from exchange.engines.variable import curve
from tests.engine.auditor import Auditor, Refused
from tests.engine.scene import ALICE, BOB, CHARLIE, PAT, Scene
from tests.faults.scale import scaled

PEOPLE = (ALICE, BOB, CHARLIE, PAT)

CALM: dict[str, Any] = {}
CAPPED_LOOSELY: dict[str, Any] = {"band": None, "impact_cap": "0.15", "max_stale": "10000000"}
WILD: dict[str, Any] = {
    "band": None, "impact_cap": "1", "theta": "5", "kappa_open": "0.05", "kappa_keep": "0",
    "beta": "1", "step_max": "0.3", "day_max": "9", "max_stale": "10000000", "mm": "0.05",
}  # fmt: skip
MODES = st.sampled_from([CALM, CAPPED_LOOSELY, WILD])
STARTS = st.fixed_dictionaries(
    {
        "P0_init": st.sampled_from(["0.05", "1", "10", "123.456789", "25000"]),
        "depth": st.sampled_from(["0.05", "0.25", "1", "4"]),
        "half_life": st.sampled_from(["0", "60", "1800"]),
        "fee": st.sampled_from(["0.003", "0.005", "0.0123"]),
        "lp_share": st.sampled_from(["0", "0.9", "1"]),
    },
    optional={"k": st.sampled_from(["0", "0.0000001", "0.001"])},
)
WAITS = st.sampled_from([0, 1, 59, 60, 299, 300, 301, 600])
LONG_WAITS = st.one_of(st.integers(1801, 90_000), st.just(86_400), st.just(604_800))
# from half a USDC to what no pool can take, most of them of a size that people choose
AMOUNTS = st.builds(
    lambda digits, unit, odd: digits * unit + odd,
    st.integers(1, 99),
    st.sampled_from([10**7, 10**6, 10**8, 10**9, 5 * 10**5]),
    st.sampled_from([0, 1, 333_333]),
)
PARTS = st.integers(1, 100)
DELTAS = st.one_of(
    st.integers(-(10**11), 10**11), st.sampled_from([-(10**12), -(10**10), 0, 10**10, 3 * 10**11])
)
TRUST = st.sampled_from([10**8, 8 * 10**7, 4 * 10**7])
REPORTS = st.lists(st.tuples(DELTAS, TRUST), min_size=3, max_size=6)
DOUBTS = st.lists(st.tuples(DELTAS, st.sampled_from([0, 3 * 10**7, 10**8])), max_size=4)


def micro(amount: Fraction) -> int:
    scaled = amount * 10**6
    assert scaled.denominator == 1
    return scaled.numerator


def nano(shares: Fraction) -> int:
    scaled = shares * 10**9
    assert scaled.denominator == 1
    return scaled.numerator


def pico(price: Fraction) -> int:
    scaled = price * 10**12
    assert scaled.denominator == 1
    return scaled.numerator


class MarketLife(RuleBasedStateMachine):
    """Every operation is done twice, by the engine and by the auditor, and all is compared."""

    @initialize(
        mode=MODES,
        start=STARTS,
        pool=st.sampled_from([2_500, 2_501, 7_777, 10_000, 25_000]),
        funded=st.sampled_from([True] * 9 + [False]),
    )
    def open_market(
        self, mode: dict[str, Any], start: dict[str, Any], pool: int, *, funded: bool
    ) -> None:
        params = {**mode, **start}
        self.scene = Scene(unchecked=mode is WILD, **params)
        cash = {key: Fraction(t.cash_micro, 10**6) for key, t in self.scene.traders.items()}
        self.auditor = Auditor(params, cash)
        self.funds = self.auditor.total()
        if funded:
            self._do(variable.Contribute(seq=1, trader=PAT, amount_micro=pool * 400_000))
            self._do(variable.Contribute(seq=2, trader=BOB, amount_micro=pool * 600_000))

    def _do(self, command: variable.Command) -> variable.Result:
        """Apply one command on both sides; answers and refusals must be the same."""
        before = self.auditor.E
        self.auditor.advance(self.scene.now_s)
        moved = self.auditor.E
        result = self.scene.batch(command)[0]
        code = self._audit_one(command, result)
        if isinstance(result, variable.Rejected):
            assert code == result.code, (code, result)
        else:
            assert code == "", (code, result)
        if isinstance(command, variable.Buy | variable.Sell | variable.Claim):
            # I9 and I10: equity never falls by a trade or a claim
            assert moved <= self.auditor.E, (before, moved, self.auditor.E)
        return result

    def _audit_one(self, command: variable.Command, result: variable.Result) -> str:
        try:
            self._mirror(command, result)
        except Refused as refused:
            return str(refused)
        return ""

    def _mirror(self, command: variable.Command, result: variable.Result) -> None:
        match command:
            case variable.Buy(trader=key, amount_micro=amount, shares_nano=shares):
                bought = self.auditor.buy(
                    key,
                    amount=None if amount is None else Fraction(amount, 10**6),
                    shares=None if shares is None else Fraction(shares, 10**9),
                )
                assert isinstance(result, variable.Filled)
                assert nano(bought) == result.shares_nano
            case variable.Sell(trader=key, shares_nano=shares) if shares is not None:
                received = self.auditor.sell(key, Fraction(shares, 10**9))
                assert isinstance(result, variable.Filled)
                assert micro(received) == result.net_micro
            case variable.Contribute(trader=key, amount_micro=amount):
                self.auditor.contribute(key, Fraction(amount, 10**6))
            case variable.Claim(trader=key):
                self._mirror_claim(key, result)
            case variable.OracleEvent(reports=reports):
                applied = self.auditor.oracle(
                    [
                        (Fraction(r.delta_pico, 10**12), Fraction(r.confidence_e8, 10**8))
                        for r in reports
                    ]
                )
                assert isinstance(result, variable.Applied)
                assert result.fields["applied_pico"] == pico(applied)
            case variable.Refund():
                self.auditor.refund()
            case _:
                assert isinstance(command, variable.Heartbeat), command

    def _mirror_claim(self, key: int, result: variable.Result) -> None:
        earned = self.auditor.people[key].earned * 10**6
        if isinstance(result, variable.Rejected):
            assert earned < 1 + Fraction(1, 1000)
            raise Refused("nothing")
        assert isinstance(result, variable.Applied)
        paid = result.fields["amount_micro"]
        assert isinstance(paid, int)
        assert 0 <= earned - paid < 1 + Fraction(1, 1000)
        self.auditor.claim(key, Fraction(paid, 10**6))

    @rule(key=st.sampled_from(PEOPLE), amount=AMOUNTS)
    def buy_for_an_amount(self, key: int, amount: int) -> None:
        result = self._do(variable.Buy(seq=self.scene.next_seq(), trader=key, amount_micro=amount))
        if isinstance(result, variable.Rejected) and result.fields.get("amount_max_micro"):
            # what a refusal calls the largest size does pass
            most = int(result.fields["amount_max_micro"])
            again = variable.Buy(seq=self.scene.next_seq(), trader=key, amount_micro=most)
            assert isinstance(self._do(again), variable.Filled)

    @rule(key=st.sampled_from(PEOPLE), amount=AMOUNTS)
    def buy_a_number(self, key: int, amount: int) -> None:
        shares = amount * 10**15 // self.scene.state.market_pico + 1
        result = self._do(variable.Buy(seq=self.scene.next_seq(), trader=key, shares_nano=shares))
        if isinstance(result, variable.Rejected) and result.fields.get("shares_max_nano"):
            most = int(result.fields["shares_max_nano"])
            again = variable.Buy(seq=self.scene.next_seq(), trader=key, shares_nano=most)
            assert isinstance(self._do(again), variable.Filled)

    @rule(key=st.sampled_from(PEOPLE), percent=PARTS)
    def sell_a_part(self, key: int, percent: int) -> None:
        shares = self.scene.traders[key].shares_nano * percent // 100
        if shares:
            self._do(variable.Sell(seq=self.scene.next_seq(), trader=key, shares_nano=shares))

    @rule(key=st.sampled_from(PEOPLE), more=st.integers(1, 10**9))
    def sell_too_much(self, key: int, more: int) -> None:
        shares = self.scene.traders[key].shares_nano + more
        more_than_held = variable.Sell(
            seq=self.scene.next_seq(), trader=key, shares_nano=shares, reduce_only=True
        )
        assert isinstance(self._do(more_than_held), variable.Rejected)

    def _hear(self, reports: list[tuple[int, int]]) -> variable.Result:
        told = tuple(variable.Report(delta_pico=d, confidence_e8=c) for d, c in reports)
        return self._do(variable.OracleEvent(seq=self.scene.next_seq(), reports=told))

    @rule(reports=REPORTS, seconds=st.sampled_from([0, 600, 600, 1900]))
    def hear_the_oracle(self, reports: list[tuple[int, int]], seconds: int) -> None:
        self.scene.now_s += seconds
        self._hear(reports)

    @rule(reports=DOUBTS)
    def hear_doubts(self, reports: list[tuple[int, int]]) -> None:
        self._hear(reports)

    @precondition(lambda self: self.scene.state.status == "active")
    @rule(delta=st.sampled_from([-3 * 10**11, 3 * 10**11, 10**11]), times=st.integers(2, 6))
    def prices_run_away(self, delta: int, times: int) -> None:
        for _ in range(times):
            self.scene.now_s += 600
            self._hear([(delta, 10**8)] * 3)
        self._everybody_leaves(list(PEOPLE), 1)

    @precondition(lambda self: self.scene.state.status == "active")
    @rule(keys=st.permutations(PEOPLE))
    def take_all_there_is(self, keys: list[int]) -> None:
        for key in keys[:3]:
            self.buy_for_an_amount(key, 500_000 * 10**6)

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        self._let_time_pass(seconds)

    @rule(seconds=LONG_WAITS, news=st.booleans())
    def wait_long(self, seconds: int, *, news: bool) -> None:
        self._let_time_pass(seconds)
        if news:
            self._hear([(0, 10**8)] * 3)

    def _let_time_pass(self, seconds: int) -> None:
        gap = self.auditor.F - self.auditor.M
        self.scene.now_s += seconds
        self._do(variable.Heartbeat(seq=self.scene.next_seq()))
        left = self.auditor.F - self.auditor.M
        # I11: recentring neither widens the gap nor turns it over
        assert abs(left) <= abs(gap)
        assert left * gap >= 0

    @rule(seconds=WAITS, key=st.sampled_from(PEOPLE), amount=AMOUNTS)
    def buy_after_a_while(self, seconds: int, key: int, amount: int) -> None:
        self.scene.now_s += seconds
        self._do(variable.Buy(seq=self.scene.next_seq(), trader=key, amount_micro=amount))

    @rule(key=st.sampled_from(PEOPLE))
    def claim(self, key: int) -> None:
        self._do(variable.Claim(seq=self.scene.next_seq(), trader=key))

    @rule(key=st.sampled_from(PEOPLE), amount=AMOUNTS)
    def contribute(self, key: int, amount: int) -> None:
        self._do(variable.Contribute(seq=self.scene.next_seq(), trader=key, amount_micro=amount))

    @precondition(lambda self: self.scene.state.status != "active")
    @rule()
    def refund(self) -> None:
        self._do(variable.Refund(seq=self.scene.next_seq()))

    @precondition(lambda self: self.scene.state.status == "active")
    @rule(
        orders=st.lists(
            st.tuples(st.sampled_from(PEOPLE), st.integers(1_000_000, 200_000_000), PARTS),
            min_size=1,
            max_size=8,
        )
    )
    def rush(self, orders: list[tuple[int, int, int]]) -> None:
        """Many commands in one batch come out as they would one after the other."""
        self.auditor.advance(self.scene.now_s)
        commands = [self._order(*order) for order in orders]
        results = self.scene.batch(*commands)
        for command, result in zip(commands, results, strict=True):
            if isinstance(command, variable.Buy) and command.min_shares_nano:
                assert isinstance(result, variable.Rejected)
                continue
            code = self._audit_one(command, result)
            assert code == (result.code if isinstance(result, variable.Rejected) else "")

    def _order(self, key: int, size: int, percent: int) -> variable.Command:
        seq = self.scene.next_seq()
        held = self.scene.traders[key].shares_nano * percent // 100
        if percent % 5 == 1:
            news = variable.Report(delta_pico=size * 1000 - 10**11, confidence_e8=10**8)
            return variable.OracleEvent(seq=seq, reports=(news,) * 3)
        if percent % 5 == 2:
            # nobody gets that many, so that everything the leg did must be undone
            return variable.Buy(seq=seq, trader=key, amount_micro=size, min_shares_nano=10**30)
        if percent % 2 and held:
            # an earlier order of the rush may have sold some of them
            return variable.Sell(seq=seq, trader=key, shares_nano=held, reduce_only=True)
        return variable.Buy(seq=seq, trader=key, amount_micro=size)

    @precondition(lambda self: self.scene.state.status == "active")
    @rule(key=st.sampled_from(PEOPLE), amount=AMOUNTS)
    def go_there_and_back(self, key: int, amount: int) -> None:
        """I12, on a copy: what is bought and at once sold back never pays."""
        copy = Scene.of(self.scene)
        before = copy.traders[key].cash_micro
        bought = copy.buy(key, amount)
        if isinstance(bought, variable.Filled):
            sold = copy.sell(key, bought.shares_nano)
            assert isinstance(sold, variable.Filled)
            assert copy.traders[key].cash_micro <= before

    @precondition(lambda self: self.scene.state.long_nano > 0)
    @rule(key=st.sampled_from(PEOPLE), percent=PARTS)
    def leave_and_return(self, key: int, percent: int) -> None:
        """I12 the other way, on a copy: what is sold and at once bought back never pays."""
        copy = Scene.of(self.scene)
        before = copy.traders[key]
        shares = before.shares_nano * percent // 100
        if shares and isinstance(copy.sell(key, shares), variable.Filled):
            again = copy.buy(key, shares_nano=shares)
            if isinstance(again, variable.Filled):
                assert copy.traders[key].cash_micro <= before.cash_micro

    @precondition(lambda self: self.scene.state.long_nano > 0)
    @rule(order=st.permutations(PEOPLE), chunks=st.integers(1, 3))
    def everybody_leaves(self, order: list[int], chunks: int) -> None:
        self._everybody_leaves(order, chunks)

    def _everybody_leaves(self, order: list[int], chunks: int) -> None:
        """I3, on a copy: whoever holds shares can sell them all, in any order and pace."""
        copy = Scene.of(self.scene)
        for round_ in range(chunks, 0, -1):
            for key in order:
                shares = copy.traders[key].shares_nano // round_
                if shares:
                    assert isinstance(copy.sell(key, shares), variable.Filled)
        assert copy.state.long_nano == 0
        assert copy.state.pool_micro >= 0

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "auditor"):
            return
        state, auditor = self.scene.state, self.auditor
        assert (state.status, state.clamped, state.t_s) == (
            auditor.status,
            auditor.clamped,
            auditor.t,
        )
        assert (state.p0_pico, state.f_pico, state.target_pico) == (
            pico(auditor.P0),
            pico(auditor.F),
            pico(auditor.T),
        )
        assert (state.pool_micro, state.funding_micro) == (
            micro(auditor.pool),
            micro(auditor.funding),
        )
        assert (state.lp_fees_micro, state.treasury_micro) == (
            micro(auditor.lp_fees),
            micro(auditor.treasury),
        )
        assert state.insurance_micro == 0

    @invariant()
    def people_agree(self) -> None:
        if not hasattr(self, "auditor"):
            return
        for key, trader in self.scene.traders.items():
            person = self.auditor.people[key]
            assert (trader.cash_micro, trader.shares_nano) == (
                micro(person.cash),
                nano(person.shares),
            )
            assert (trader.entry_micro, trader.realised_micro) == (
                micro(person.entry),
                micro(person.realised),
            )
            assert trader.reserved_micro == trader.escrow_micro == 0
            assert trader.cash_micro >= 0

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "auditor"):
            return
        state, auditor, scene = self.scene.state, self.auditor, self.scene
        assert auditor.total() == self.funds  # I1
        assert sum(t.shares_nano for t in scene.traders.values()) == state.long_nano  # I2
        units = sum(p.units_nano for p in scene.providers.values())
        assert state.units_nano == (units if state.status == "active" else 0)
        assert auditor.E >= 0  # I3 and I4: without shorts E is Phi
        assert auditor.p["p_min"] <= auditor.P0  # I5
        claims = sum(variable.claimable(state, p) for p in scene.providers.values())
        assert 0 <= state.lp_fees_micro - claims < len(scene.providers) + 1  # I7

    @invariant()
    def headline_agrees(self) -> None:
        if not hasattr(self, "auditor") or not hasattr(self.scene, "last"):
            return
        tick = self.scene.last.tick
        assert tick.display_pico == round(self.auditor.D * 10**12)
        assert tick.volume_micro == micro(self.auditor.volume)


MarketLife.TestCase.settings = settings(
    max_examples=scaled(300, 10_000),
    stateful_step_count=scaled(40, 50),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestMarketLife = pytest.mark.timeout(scaled(400, 7_200))(MarketLife.TestCase)


@settings(max_examples=scaled(400, 5_000), deadline=None)
@given(
    p0=st.integers(10**10, 10**17),
    k=st.integers(0, 10**20),
    supply=st.integers(0, 10**13),
    sizes=st.lists(st.integers(1, 10**10), min_size=1, max_size=4),
)
def test_no_round_trip_pays_on_any_curve(p0: int, k: int, supply: int, sizes: list[int]) -> None:
    spent = received = 0
    bought: list[int] = []
    for size in sizes:
        price = curve.price_exact(p0, k, supply)
        shares = curve.shares_for(price, k, size)
        spent += size
        supply += shares
        bought.append(shares)
    for shares in bought:
        price = curve.price_exact(p0, k, supply)
        received += curve.proceeds(price, k, shares)
        supply -= shares

    assert received <= spent
