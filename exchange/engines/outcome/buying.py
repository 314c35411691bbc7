"""The route of an incoming buy: market maker up to the next level, the level, and on."""

from exchange.engines.engine import Refusal
from exchange.engines.outcome import matching
from exchange.engines.outcome.accounts import Entry
from exchange.engines.outcome.amm import Deal
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.lots import largest
from exchange.engines.outcome.results import AMM, Fill
from exchange.engines.outcome.transfers import bought, fee_of, value_of
from exchange.engines.rounding import div_ceil
from exchange.engines.units import MICRO, PICO


class Buying:
    """One incoming buy on its way: what remains, and the one block planned for the market maker.

    Source:  specification, section 6.3.
    """

    __slots__ = ("block", "book", "entry", "rest", "start", "uses_amm")

    def __init__(self, book: Book, entry: Entry) -> None:
        self.book, self.entry = book, entry
        self.start = book.amm.here(entry.token >> 1)
        self.rest, self.block, self.uses_amm = entry.remaining, 0, True

    def run(self) -> int | None:
        """Trade as far as the limit allows; return the premium, None without the market maker."""
        while self.rest or self.uses_amm:
            if not self.rest:
                self._close()
                continue
            level = matching.asked(self.book, self.entry)
            if self.uses_amm:
                self._extend(level)
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
        return self._settle() if self.block else None

    def _extend(self, level: matching.Level | None) -> None:
        """Let the block grow up to the price of the next level, or the limit without one."""
        most = self.block + self.rest
        size = most
        if level is not None or self.entry.cap:
            price = (self.entry.cap if level is None else level.price) * MICRO
            size = self.block
            if self._marginal(size) < price:
                size = largest(size, most, lambda d: self._marginal(d) <= price)
        self.rest, self.block = most - size, size

    def _close(self) -> None:
        """End the market maker's part: its average may not exceed the limit."""
        self.uses_amm = False
        if self.entry.cap and self.block and not self._affordable(self.block):
            size = largest(0, self.block, self._affordable)
            self.rest += self.block - size
            self.block = size

    def _marginal(self, size: int) -> int:
        amm, token = self.book.amm, self.entry.token
        point = amm.moved(token, self.start, size) if size else self.start
        return amm.ask(token, point) + amm.convexity(size)

    def _deal(self, size: int) -> Deal:
        return self.book.amm.charge(self.entry.token, self.start, size)

    def _affordable(self, size: int) -> bool:
        return self._deal(size).amount <= value_of(self.entry.cap, size)

    def _settle(self) -> int:
        book, entry, size = self.book, self.entry, self.block
        deal = self._deal(size)
        if not entry.cap and not book.config.allow_above_par and deal.amount >= size:
            raise Refusal("above_par", cost_micro=deal.amount, size_micro=size)
        book.amm.go(entry.token >> 1, deal.after)
        book.pay_pool(deal.amount)
        fee = bought(book, entry, size, deal.amount, fee_of(deal.amount, book.config.fee_e9))
        book.fills.append(
            Fill(
                seq=book.seq,
                kind=AMM,
                token=entry.token,
                buyer=entry.trader,
                seller=None,
                buy_order=entry.id,
                sell_order=None,
                size_micro=size,
                amount_micro=deal.amount,
                price_pico=div_ceil(deal.amount * PICO, size),
                fee_micro=fee,
                maker_micro=deal.amount,
            )
        )
        return deal.premium
