"""Auto-fill: resting orders that others' trades bring within reach trade with the market maker."""

from typing import NamedTuple

from exchange.engines.outcome.accounts import Entry
from exchange.engines.outcome.amm import Deal, Point
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.depth import Level
from exchange.engines.outcome.lots import in_proportion, largest
from exchange.engines.outcome.results import AUTO, Fill
from exchange.engines.outcome.scales import LOT, RATE, WEIGHT
from exchange.engines.outcome.transfers import bought, fee_of, rebate, sold, value_of
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import MICRO


class AutoFill:
    """One event: what it may still do, and the surplus it has made.

    Source:  specification, section 7.
    """

    __slots__ = ("_amount_max", "_surplus_max", "book", "buys", "pools", "surplus", "system")

    def __init__(self, book: Book, outcome: int, before: Point) -> None:
        self.book = book
        amm, after = book.amm, book.amm.here(outcome)
        common = after.common_cash - before.common_cash
        diverted = div_floor(abs(amm.z * common), WEIGHT)
        moved = div_floor(abs(amm.flow(before, after, amm.z)), WEIGHT)
        self.buys = common > 0
        self._amount_max = div_floor(book.config.af_cap_frac_e9 * diverted, RATE)
        self._surplus_max = div_floor(book.config.af_max_surplus_e9 * moved, RATE)
        self.pools = self.surplus = self.system = 0

    def run(self, outcome: int) -> int:
        """Fill what the limits of the event allow; return the system's part of the surplus."""
        for other in self.book.amm.active:
            if other != outcome:
                self._serve(2 * other)
                self._serve(2 * other + 1)
        return self.system

    def _serve(self, token: int) -> None:
        book = self.book
        ladder = book.ladder(token, buys=self.buys)
        if ladder.is_empty:
            return
        for level in ladder:
            if self.pools >= book.config.af_max_pools or not self._crosses(token, level.price):
                return
            self._fill(token, level)

    def _crosses(self, token: int, price: int) -> bool:
        amm = self.book.amm
        here = amm.here(token >> 1)
        if self.buys:
            return amm.ask(token, here) < price * MICRO
        return amm.bid(token, here) > price * MICRO

    def _fill(self, token: int, level: Level) -> None:
        willing = [e for e in level.entries if e.was.auto_fill and e.rests]
        most = sum(e.remaining for e in willing)
        if not self.buys:
            most = min(most, self.book.amm.supply[token])
        here = self.book.amm.here(token >> 1)
        size = largest(0, most, lambda d: self._fits(token, level.price, here, d))
        if size:
            deal = self._deal(token, here, size)
            self.book.amm.go(token >> 1, deal.after)
            self.book.pay_pool(deal.amount if self.buys else -deal.amount)
            self.pools += 1
            self._share(level.price, willing, deal, size)

    def _deal(self, token: int, here: Point, size: int) -> Deal:
        amm = self.book.amm
        return amm.charge(token, here, size) if self.buys else amm.payout(token, here, size)

    def _fits(self, token: int, price: int, here: Point, size: int) -> bool:
        amm, value = self.book.amm, value_of(price, size)
        deal = self._deal(token, here, size)
        if self.buys:
            if amm.ask(token, deal.after) + amm.convexity(size) > price * MICRO:
                return False
            surplus = value - deal.amount
        else:
            if amm.bid(token, deal.after) - amm.convexity(size) < price * MICRO:
                return False
            surplus = deal.amount - value
        within = self.surplus + surplus <= self._surplus_max
        return surplus >= 0 and deal.amount <= self._amount_max and within

    def _share(self, price: int, willing: list[Entry], deal: Deal, size: int) -> None:
        """Trade with the orders in proportion, at their limit, and divide the surplus."""
        book = self.book
        surplus = abs(value_of(price, size) - deal.amount)
        system = div_ceil(book.config.sigma_e9 * surplus, RATE)
        book.pay_seigniorage(system)
        self.surplus += surplus
        self.system += system
        parts = in_proportion(size, [e.remaining for e in willing], LOT)
        backs = in_proportion(surplus - system, parts, 1)
        systems = in_proportion(system, parts, 1)
        for entry, part, back, share in zip(willing, parts, backs, systems, strict=True):
            if part:
                self._trade(entry, _Part(price, part, back, share))

    def _trade(self, entry: Entry, part: "_Part") -> None:
        book, amount = self.book, value_of(part.price, part.size)
        fee = fee_of(amount, book.config.fee_e9)
        if self.buys:
            fee = bought(book, entry, part.size, amount, fee)
        else:
            sold(book, entry, part.size, amount, fee)
        rebate(book, entry, part.rebate)
        book.fills.append(
            Fill(
                seq=book.seq,
                kind=AUTO,
                token=entry.token,
                buyer=entry.trader if self.buys else None,
                seller=None if self.buys else entry.trader,
                buy_order=entry.id if self.buys else None,
                sell_order=None if self.buys else entry.id,
                size_micro=part.size,
                amount_micro=amount,
                price_pico=part.price * MICRO,
                fee_micro=fee,
                maker_micro=(amount if self.buys else -amount) - part.rebate - part.system,
                rebate_micro=part.rebate,
                seigniorage_micro=part.system,
            )
        )


class _Part(NamedTuple):
    """One order's part of an auto-fill."""

    price: int
    size: int
    rebate: int
    system: int


def run(book: Book, entry: Entry, before: Point, premium: int) -> None:
    """Run the event that an order's trade with the market maker has set off.

    The order's owner is paid back up to the premium, out of what the event brought the system.
    """
    outcome = entry.token >> 1
    common = book.amm.common_cash - before.common_cash
    if not book.amm.z * common:
        return
    system = AutoFill(book, outcome, before).run(outcome)
    back = min(premium, system)
    if back:
        book.pay_seigniorage(-back)
        rebate(book, entry, back)
