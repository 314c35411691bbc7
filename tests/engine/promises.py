"""The promises of section 20 in exact fractions, and a ledger kept from the postings alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from exchange.engines import variable
from tests.engine.scene import Scene

MARKET_KINDS = ("pool", "funding", "lp_fees", "insurance", "treasury")


class Market:
    """The figures of section 5 at one moment."""

    def __init__(self, scene: Scene) -> None:
        state = scene.state
        self.scene = scene
        self.state = state
        self.P0 = Fraction(state.p0_pico, 10**12)
        self.k = Fraction(state.k_atto, 10**18)
        self.F = Fraction(state.f_pico, 10**12)
        self.L = Fraction(state.long_nano, 10**9)
        self.X = Fraction(state.short_nano, 10**9)
        self.N = Fraction(state.units_nano, 10**9)
        self.S = self.L - self.X
        self.M = self.P0 + self.k * self.S
        self.pool = Fraction(state.pool_micro, 10**6)
        self.E = self.pool - self._V(self.S)
        self.Phi = self.pool - (self._V(self.S) - self._V(-self.X))
        self.close_out = max(self.P0 + self.k * self.L, self.F + self.k * self.X)
        self.gap = self.F - self.M

    def _V(self, s: Fraction) -> Fraction:  # noqa: N802
        return self.P0 * s + self.k * s * s / 2

    def check_all(self) -> None:
        if self.state.status != "active":
            return
        self._check_sums()
        assert self.Phi >= 0  # I3
        assert self.Phi <= self.E  # I4
        assert self.P0 - self.k * self.X >= Fraction(self.scene.config.p_min_pico, 10**12)  # I5
        self._check_margins()
        self._check_fees()
        self._check_reserves()
        self.check_parked()

    def _check_sums(self) -> None:
        held = [t.shares_nano for t in self.scene.traders.values()]
        assert sum(h for h in held if h > 0) == self.state.long_nano  # I2
        assert -sum(h for h in held if h < 0) == self.state.short_nano
        providers = self.scene.providers.values()
        assert sum(p.units_nano for p in providers) == self.state.units_nano
        queued: dict[int, int] = defaultdict(int)
        for item in self.scene.items.values():
            if isinstance(item, variable.Withdrawal):
                queued[item.trader] += item.units_nano
        for p in providers:
            free = sum(c.units_nano - c.taken_nano for c in p.cohorts)
            assert free + p.locked_nano == p.units_nano
            assert p.locked_nano == queued[p.id]

    def _check_margins(self) -> None:
        mm = Fraction(self.scene.config.mm_e8, 10**8)
        for t in self.scene.traders.values():
            if t.shares_nano >= 0:
                assert t.escrow_micro == 0  # I8
            elif not self.state.backlog:
                short = Fraction(-t.shares_nano, 10**9)
                escrow = Fraction(t.escrow_micro, 10**6)
                assert escrow >= (1 + mm) * short * self.close_out  # I6

    def _check_fees(self) -> None:
        providers = self.scene.providers.values()
        claims = sum(variable.claimable(self.state, p) for p in providers)
        assert 0 <= self.state.lp_fees_micro - claims < len(self.scene.providers) + 1  # I7

    def _check_reserves(self) -> None:
        wanted: dict[int, int] = defaultdict(int)
        exits: dict[int, int] = defaultdict(int)
        for item in self.scene.items.values():
            if isinstance(item, variable.LimitOrder | variable.CommittedOrder):
                wanted[item.trader] += item.reserved_micro
            if isinstance(item, variable.TimedExit):
                exits[item.trader] = item.id
        for t in self.scene.traders.values():
            assert t.reserved_micro == wanted[t.id]  # I8
            assert t.exit_id == exits[t.id]
            if t.shares_nano == 0:
                assert (t.stop_pico, t.target_pico, t.exit_id) == (None, None, 0)

    def check_parked(self) -> None:
        """Check that no order is parked that might fill, and that the owner of each knows."""
        least = max(self.scene.config.min_open_micro, 1) * self.scene.config.m_open_e8
        for item in self.scene.items.values():
            if isinstance(item, variable.LimitOrder) and item.parked:
                owner = self.scene.traders[item.trader]
                config = self.scene.config
                cost = Fraction(item.shares_nano * item.price_pico, 10**15)
                dearest = cost * 10**8 / (10**8 - config.fee_max_e8)
                sides = {
                    "open_long": owner.shares_nano >= 0 and dearest >= config.min_open_micro,
                    "open_short": owner.shares_nano <= 0 and item.reserved_micro * 10**8 >= least,
                    "close_long": owner.shares_nano > 0,
                    "close_short": owner.shares_nano < 0,
                }
                assert owner.parked
                assert not sides[item.intent]

    def check_equity(self, before: "Market", done: variable.Settlement) -> None:
        """Check I9: apart from capital, shifts and bad debt, E only ever rises, and by little."""
        shifts = sum(
            Fraction(s.delta_pico, 10**12) * Fraction(s.supply_nano, 10**9) for s in done.shifts
        )
        if done.revalued_exact:
            return
        paid = Fraction(done.capital_micro - done.bad_debt_micro, 10**6)
        rest = self.E - before.E + shifts - paid
        assert rest >= 0
        extra = Fraction(sum(f.surcharge_micro + 1 for f in done.fills), 10**6)
        dust = sum((Fraction(f.market_pico + 1, 10**21) for f in done.fills), Fraction(0))
        assert rest <= extra + dust + len(done.fills) * self.k / 10**18

    def check_per_unit(self, before: "Market", done: variable.Settlement) -> None:
        """Check I10, where nothing but the units and their money has changed."""
        if before.N and self.N and not done.shifts and not done.fills:
            assert self.E * before.N >= before.E * self.N


class Books:
    """Balances as the postings alone make them."""

    def __init__(self, traders: Mapping[int, variable.Trader]) -> None:
        self.balances: dict[tuple[str, int | None], int] = defaultdict(int)
        for t in traders.values():
            self.balances["cash", t.id] = t.cash_micro
        self.total = sum(self.balances.values())

    def post(self, postings: Iterable[variable.Posting]) -> None:
        for posting in postings:
            self.balances[posting.kind, posting.owner] += posting.amount_micro

    def check(self, scene: Scene) -> None:
        """Check I1, and that the state tells the same as the ledger."""
        assert sum(self.balances.values()) == self.total
        assert min(self.balances.values()) >= 0
        for t in scene.traders.values():
            figures = (t.cash_micro, t.reserved_micro, t.escrow_micro)
            booked = tuple(self.balances[kind, t.id] for kind in ("cash", "reserved", "escrow"))
            assert figures == booked
        for kind in MARKET_KINDS:
            assert getattr(scene.state, f"{kind}_micro") == self.balances[kind, None]
