"""An auditor of outcome markets: own books from postings and fills, promises in exact fractions.

It takes no figure from the engine's working; formulas are written again from the specification.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt

from exchange.engines import outcome
from exchange.engines.outcome.state import Outcome as Row
from tests.engine.outcome.scene import Scene

MARKET_KINDS = ("pool", "pairs", "fees", "seigniorage", "gas")
FINE = 10**40


class Auditor:
    """Balances as the postings make them, tokens as the fills make them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.balances: dict[tuple[str, int | None], int] = defaultdict(int)
        self.tokens: dict[tuple[int, int], int] = defaultdict(int)
        self.pairs: dict[int, int] = defaultdict(int)
        self.active = set(range(scene.config.n_outcomes))
        for trader in scene.frontier.traders.values():
            self.balances["cash", trader.id] = trader.cash_micro
        self.balances["pool", None] = scene.config.z_micro
        self.total = sum(self.balances.values())
        self.backing = self._backing()
        self.seen: Counter[tuple[str, bool]] = Counter()
        self.orders: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        self.published = self._published()
        self.state = scene.state

    def after(self, done: outcome.Settlement) -> None:
        """Take the last batch into the books and check every promise."""
        self.post(done.postings)
        for fill in done.fills:
            self._trade(fill)
        self._resolutions(done.results)
        self._check_money()
        self._check_tokens()
        self._check_orders(done)
        self._check_slippage(done.orders)
        self._check_crossings()
        self._check_fills(done.fills)
        self._check_loss()
        self._check_eliminations(done.results)
        if self.scene.state.status == outcome.TRADING:
            self._check_prices()
            self.check_backing()
            self.backing = self._backing()
        self.published, self.state = self._published(), self.scene.state

    def check_backing(self) -> None:
        """Check 10.2: F has not fallen since it was last looked at."""
        assert self._backing() >= self.backing

    def post(self, postings: Iterable[outcome.Posting]) -> None:
        """Take postings into the books."""
        for posting in postings:
            self.balances[posting.kind, posting.owner] += posting.amount_micro

    def _trade(self, fill: outcome.Fill) -> None:
        size, token = fill.size_micro, fill.token
        if fill.kind == "mint":
            assert fill.buyer is not None
            assert fill.seller is not None
            self.tokens[fill.buyer, token] += size
            self.tokens[fill.seller, token ^ 1] += size
            self.pairs[token >> 1] += size
        elif fill.kind == "merge":
            assert fill.buyer is not None
            assert fill.seller is not None
            self.tokens[fill.seller, token] -= size
            self.tokens[fill.buyer, token ^ 1] -= size
            self.pairs[token >> 1] -= size
        else:
            if fill.buyer is not None:
                self.tokens[fill.buyer, token] += size
            if fill.seller is not None:
                self.tokens[fill.seller, token] -= size
            if fill.kind == "convert":
                self.pairs[token >> 1] -= size

    def _resolutions(self, results: Iterable[outcome.Result]) -> None:
        for result in results:
            paid: dict[int, int] = {}
            if isinstance(result, outcome.Eliminated):
                for k in result.outcomes:
                    self._end(k, 2 * k + 1, paid)
            elif isinstance(result, outcome.Resolved):
                for i in sorted(self.active):
                    self._end(i, 2 * i + int(i != result.winner), paid)
            else:
                continue
            assert dict(result.paid) == {key: paid[key] for key in paid if paid[key]}

    def _end(self, i: int, redeemed: int, paid: dict[int, int]) -> None:
        for owner, token in list(self.tokens):
            if token == redeemed:
                paid[owner] = paid.get(owner, 0) + self.tokens[owner, token]
            if token >> 1 == i:
                del self.tokens[owner, token]
        self.pairs[i] = 0
        self.active.discard(i)

    def _check_money(self) -> None:
        assert sum(self.balances.values()) == self.total  # 10.1
        assert min(self.balances.values()) >= 0
        for trader in self.scene.frontier.traders.values():
            booked = self.balances["cash", trader.id], self.balances["reserved", trader.id]
            assert (trader.cash_micro, trader.reserved_micro) == booked
        for kind in MARKET_KINDS:
            assert getattr(self.scene.state, f"{kind}_micro") == self.balances[kind, None]

    def _check_tokens(self) -> None:
        assert min(self.tokens.values(), default=0) >= 0
        traders = self.scene.frontier.traders.values()
        for i, row in enumerate(self.scene.state.outcomes):
            assert row.pairs_micro == self.pairs[i] >= 0
            for token, issued in ((2 * i, row.yes_micro), (2 * i + 1, row.no_micro)):
                owned = sum(self.tokens[t.id, token] for t in traders)
                assert owned == issued + self.pairs[i]
                for t in traders:
                    stored = t.held_micro[token] + t.locked_micro[token]
                    assert stored == self.tokens[t.id, token]

    def _check_orders(self, done: outcome.Settlement) -> None:
        """Check escrows, and each order's totals against its own fills."""
        reserved: dict[int, int] = defaultdict(int)
        locked: dict[tuple[int, int], int] = defaultdict(int)
        for order in self.scene.frontier.orders.values():
            assert order.remaining_micro > 0
            if order.buys:
                reserved[order.trader] += order.escrow_micro
            else:
                locked[order.trader, order.token] += order.remaining_micro
        for trader in self.scene.frontier.traders.values():
            assert trader.reserved_micro == reserved[trader.id]
            for token, amount in enumerate(trader.locked_micro):
                assert amount == locked[trader.id, token]
        for fill in done.fills:
            self._count(fill, done.orders)
        for order in done.orders.values():
            counted = order.filled_micro, order.amount_micro, order.fee_micro
            assert counted == tuple(self.orders[order.id])

    def _count(self, fill: outcome.Fill, orders: Mapping[int, outcome.Order]) -> None:
        """Add a fill to the totals of its orders; no leg may break an order's limit."""
        sides = [key for key in (fill.buy_order, fill.sell_order) if key is not None]
        for key in sides:
            amount, fee = fill.amount_micro, fill.fee_micro
            if len(sides) > 1 and key != fill.seq:
                fee = fill.other_fee_micro
                if fill.kind in {"mint", "merge"}:
                    amount = fill.size_micro - amount
            for place, figure in enumerate((fill.size_micro, amount, fee)):
                self.orders[key][place] += figure
            order = orders[key]
            if order.price_micro is not None:  # 10.6
                limit = Fraction(order.price_micro * fill.size_micro, 10**6)
                assert amount <= limit if order.buys else amount >= limit

    def _published(self) -> list[int]:
        return [p for row in self.scene.state.outcomes for p in (row.yes_pico, row.no_pico)]

    def _check_slippage(self, orders: Mapping[int, outcome.Order]) -> None:
        """Check 6.5: no market order strays beyond its bound from the price before its batch."""
        for order in orders.values():
            most = self.scene.sent.get(order.id)
            if order.price_micro is not None or most is None or not order.filled_micro:
                continue
            shown, bound = Fraction(self.published[order.token], 10**12), Fraction(most, 10**9)
            rebate = -order.rebate_micro if order.buys else order.rebate_micro
            average = Fraction(order.amount_micro + rebate, order.filled_micro)
            self.seen["bound", order.buys] += 1
            if order.buys:
                assert average <= shown * (1 + bound)
            else:
                assert average >= shown * (1 - bound)

    def _check_crossings(self) -> None:
        """Check 10.6: no two resting orders of different users could trade or make a pair."""
        resting = [o for o in self.scene.frontier.orders.values() if o.price_micro is not None]
        for bid in (order for order in resting if order.buys):
            for other in resting:
                if other.trader == bid.trader or other.token >> 1 != bid.token >> 1:
                    continue
                assert bid.price_micro is not None
                assert other.price_micro is not None
                if other.token == bid.token and not other.buys:
                    self.seen["facing", False] += 1
                    assert bid.price_micro < other.price_micro
                elif other.token != bid.token and other.buys and self.scene.config.cm_enabled:
                    self.seen["facing", True] += 1
                    assert bid.price_micro + other.price_micro < 10**6

    def _check_fills(self, fills: Iterable[outcome.Fill]) -> None:
        for fill in fills:
            assert fill.size_micro > 0
            assert fill.size_micro % outcome.LOT == 0
            assert fill.buyer is None or fill.buyer != fill.seller
            if fill.kind == "auto":
                gained = fill.amount_micro - fill.maker_micro
                surplus = (
                    gained if fill.buyer is not None else -fill.maker_micro - fill.amount_micro
                )
                assert surplus == fill.rebate_micro + fill.seigniorage_micro

    def _check_loss(self) -> None:
        """Check 10.3: whoever wins, the pool pays, so that the maker never loses more than Z."""
        state = self.scene.state
        rows = {i: state.outcomes[i] for i in self.active}
        others = sum(row.no_micro for row in rows.values())
        for winner, row in rows.items():
            left = state.pool_micro - (row.yes_micro + others - row.no_micro)
            assert left >= 0
            if len(rows) == self.scene.config.n_outcomes:
                assert self.scene.config.z_micro - left <= self._most_lost(winner)

    def _most_lost(self, winner: int) -> Fraction:
        """Return the bound of 10.3 on the loss before the first elimination."""
        config = self.scene.config
        launch = [Fraction(price, 10**9) for price in config.initial_price_e9]
        others = sum(price for i, price in enumerate(launch) if i != winner)
        return config.depth_micro * (1 - launch[winner] + others)

    def _check_eliminations(self, results: Iterable[outcome.Result]) -> None:
        """Check 10.5 where an elimination came alone: at the old virtual YES there is room for B.

        So a solution always exists, and the base energy falls at most where virtual YES rises.
        """
        after = self.scene.state
        for result in results:
            if not isinstance(result, outcome.Eliminated) or len(self.scene.last.results) > 1:
                continue
            before, gone = self.state, set(result.outcomes)
            rows = [row for row in before.outcomes if row.active]
            left = [row for i, row in enumerate(before.outcomes) if row.active and i not in gone]
            paid = sum(before.outcomes[k].no_micro for k in gone)
            room = self._potential(rows, before.energy, before.z_ref_e9)
            room += (len(gone) * self.scene.config.depth_micro - paid) * 10**15
            assert self._potential(left, before.energy, after.z_ref_e9) <= room
            if result.factor_e9 <= 10**9:
                self.seen["held", False] += 1
                assert after.energy >= before.energy
            else:
                self.seen["lifted", False] += 1

    def _pool(self, x: int) -> tuple[Fraction, Fraction]:
        """Return U and L of section 3.2 in USDC, to forty digits and not to twelve."""
        config = self.scene.config
        s = Fraction(config.depth_micro, 10**6)
        gamma = Fraction(config.gamma_e9, 10**9)
        energy = Fraction(x, 10**12)
        depth = _root(s * s + (1 - gamma) * energy)
        cash = (depth - s) / (1 - gamma)
        if gamma and cash * gamma >= s:
            cash = depth = _root(energy - s * s / gamma)
        return cash, depth

    def _masses(self) -> dict[int, int]:
        return {i: _mass(self.scene.state.outcomes[i]) for i in self.active}

    def _check_prices(self) -> None:
        state, masses = self.scene.state, self._masses()
        z, cap = Fraction(state.z_e9, 10**9), Fraction(self.scene.config.p_max_pico, 10**12)
        _, common = self._pool(state.energy + sum(masses.values()) // len(masses))
        for i, m in masses.items():
            row = state.outcomes[i]
            _, own = self._pool(state.energy + m)
            for shown, supply in (
                (row.yes_pico, row.yes_micro + row.virtual_yes_micro),
                (row.no_pico, row.no_micro + row.virtual_no_micro),
            ):
                exact = Fraction(supply, 10**6) * ((1 - z) / own + z / common)
                # the depths are rounded at 1e-12 USDC: of small pools that shows a little more
                slack = Fraction(3, 10**12) + exact * Fraction(2, 10**12) * (1 / own + 1 / common)
                assert abs(Fraction(shown, 10**12) - min(exact, cap)) <= slack
                assert 0 <= shown <= self.scene.config.p_max_pico  # 10.6

    def _backing(self) -> int:
        """Return F of section 10.2 by the integer formulas, in 1e-21 USDC."""
        state, config = self.scene.state, self.scene.config
        rows = [state.outcomes[i] for i in sorted(self.active)]
        potential = self._potential(rows, state.energy, state.z_ref_e9)
        return (state.pool_micro - len(rows) * config.depth_micro) * 10**15 - potential

    def _potential(self, rows: Sequence[Row], energy: int, w: int) -> int:
        """Return B of section 3.4 for some outcomes."""
        masses, n = [_mass(row) for row in rows], len(rows)
        own = sum(self._cash(energy + m) for m in masses)
        return (10**9 - w) * own + w * n * self._cash(energy + sum(masses) // n)

    def _cash(self, x: int) -> int:
        s, gamma = self.scene.config.depth_micro, self.scene.config.gamma_e9
        depth = isqrt((s * s * 10**9 + (10**9 - gamma) * x) * 1000)
        cash = (depth - s * 10**6) * 10**9 // (10**9 - gamma)
        if gamma > 0 and cash * gamma >= s * 10**15:
            return isqrt((x * gamma - s * s * 10**9) * 10**12 // gamma)
        return cash


def _mass(row: Row) -> int:
    virtual = row.virtual_yes_micro, row.virtual_no_micro
    both = (row.yes_micro + virtual[0]) ** 2 + (row.no_micro + virtual[1]) ** 2
    return int(both - virtual[0] ** 2 - virtual[1] ** 2)


def _root(value: Fraction) -> Fraction:
    return Fraction(isqrt(value.numerator * FINE * FINE // value.denominator), FINE)
