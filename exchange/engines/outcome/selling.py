"""The route of an incoming sell: the mirror image of a buy, with conversion behind the supply."""

from exchange.engines.engine import Refusal
from exchange.engines.outcome import matching
from exchange.engines.outcome.accounts import Entry
from exchange.engines.outcome.amm import Deal, Point
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.lots import largest
from exchange.engines.outcome.results import AMM, CONVERT, Fill
from exchange.engines.outcome.transfers import fee_of, sold
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import MICRO, PICO


class Selling:
    """One incoming sell on its way: what remains, and the two blocks planned.

    `direct` goes back to the market maker; `converted` are tokens of pairs, whose complement the
    market maker takes over once it has nothing of the token left.

    Source:  specification, sections 4.4 and 6.4.
    """

    __slots__ = ("_between", "book", "converted", "direct", "entry", "rest", "start", "uses_amm")

    def __init__(self, book: Book, entry: Entry) -> None:
        self.book, self.entry = book, entry
        self.start = book.amm.here(entry.token >> 1)
        self.rest, self.uses_amm = entry.remaining, True
        self.direct = self.converted = 0
        self._between: tuple[int, Point] = (0, self.start)

    def run(self) -> int | None:
        """Trade as far as the limit allows; return the premium, None without the market maker."""
        while self.rest or self.uses_amm:
            if not self.rest:
                self._close()
                continue
            level = matching.bid(self.book, self.entry, self.converted)
            if self.uses_amm:
                self._extend(self.entry.cap if level is None else level.price)
                if not self.rest:
                    continue
                if level is None:
                    self._close()
                    continue
            if level is None:
                break
            size = min(self.rest, level.size)
            matching.take(self.book, self.entry, level, size)
            self.rest -= size
        return self._settle()

    def _extend(self, limit: int) -> None:
        """Let the blocks grow down to a price; zero means that any price is good."""
        price = limit * MICRO
        supply = self.book.amm.supply[self.entry.token]
        if not self.converted:
            most, size = min(self.direct + self.rest, supply), self.direct
            if most > size and (not price or self._marginal(size) > price):
                size = most
                if price:
                    size = largest(self.direct, most, lambda d: self._marginal(d) >= price)
            self.rest -= size - self.direct
            self.direct = size
        if self.rest and self.direct == supply:
            most = min(self.converted + self.rest, self.book.pairs[self.entry.token >> 1])
            size = self.converted
            if most > size and self._converting(size) > price:
                size = largest(size, most, lambda d: self._converting(d) >= price)
            self.rest -= size - self.converted
            self.converted = size

    def _close(self) -> None:
        """End the market maker's part: no block's average may be below the limit."""
        self.uses_amm = False
        direct, converted = self.direct, self.converted
        if direct and not self._good_direct(direct):
            self.direct, self.converted = largest(0, direct, self._good_direct), 0
        elif converted and not self._good_conversion(converted):
            self.converted = largest(0, converted, self._good_conversion)
        self.rest += direct + converted - self.direct - self.converted

    def _good_direct(self, size: int) -> bool:
        return self._payout(size).amount * MICRO >= self.entry.cap * size

    def _good_conversion(self, size: int) -> bool:
        return size - self._charge(size).amount >= div_ceil(self.entry.cap * size, MICRO)

    def _marginal(self, size: int) -> int:
        amm, token = self.book.amm, self.entry.token
        point = amm.moved(token, self.start, -size) if size else self.start
        return amm.bid(token, point) - amm.convexity(size)

    def _converting(self, size: int) -> int:
        amm, other = self.book.amm, self.entry.token ^ 1
        point = self._after_direct()
        if size:
            point = amm.moved(other, point, size)
        return PICO - amm.ask(other, point) - amm.convexity(size)

    def _after_direct(self) -> Point:
        if self._between[0] != self.direct:
            point = self.book.amm.moved(self.entry.token, self.start, -self.direct)
            self._between = self.direct, point
        return self._between[1]

    def _payout(self, size: int) -> Deal:
        return self.book.amm.payout(self.entry.token, self.start, size)

    def _charge(self, size: int) -> Deal:
        return self.book.amm.charge(self.entry.token ^ 1, self._after_direct(), size)

    def _settle(self) -> int | None:
        book, entry = self.book, self.entry
        if not entry.cap and self.rest == entry.was.size_micro:
            raise Refusal("no_liquidity", size_micro=self.rest)
        if not self.direct and not self.converted:
            return None
        premium = 0
        # both deals are worked out before either moves the state
        charge = self._charge(self.converted) if self.converted else None
        if self.direct:
            payout = self._payout(self.direct)
            book.pay_pool(-payout.amount)
            self._note(AMM, self.direct, payout, payout.amount)
            premium += payout.premium
        if charge is not None:
            book.pay_pairs(entry.token >> 1, -self.converted)
            book.pay_pool(charge.amount)
            self._note(CONVERT, self.converted, charge, self.converted - charge.amount)
            premium += charge.premium
        return premium

    def _note(self, kind: str, size: int, deal: Deal, proceeds: int) -> None:
        """Carry out one block: the pools move, the seller is paid, the fill is written."""
        book, entry = self.book, self.entry
        book.amm.go(entry.token >> 1, deal.after)
        fee = fee_of(proceeds, book.config.fee_e9)
        sold(book, entry, size, proceeds, fee)
        book.fills.append(
            Fill(
                seq=book.seq,
                kind=kind,
                token=entry.token,
                buyer=None,
                seller=entry.trader,
                buy_order=None,
                sell_order=entry.id,
                size_micro=size,
                amount_micro=proceeds,
                price_pico=div_floor(proceeds * PICO, size),
                fee_micro=fee,
                maker_micro=deal.amount if kind == CONVERT else -deal.amount,
            )
        )
