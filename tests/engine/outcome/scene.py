"""A market in memory with its people: what engine tests of the outcome market start from."""

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.engines import outcome
from exchange.engines.outcome.parameters import Value

ALICE, BOB, CHARLIE, DAVE = range(1, 5)
PEOPLE = (ALICE, BOB, CHARLIE, DAVE)
USDC = TOKEN = 10**6
CENT = 10**4
YES, NO = outcome.YES, outcome.NO


class Scene:
    """One market over a plain frontier; every batch is checked and kept."""

    def __init__(self, values: Mapping[str, Value] | None = None, *, cash: int = 100_000) -> None:
        self.config = outcome.Config.parse(values or {})
        self.state = outcome.MarketState.opened(self.config)
        self.frontier = outcome.MemoryFrontier(
            outcome.Trader.joined(self.config, key, cash * USDC) for key in PEOPLE
        )
        self.seq, self.at_ms = 0, 0
        # the bound on its slippage that each order came with, or the market's
        self.sent: dict[int, int | None] = {}
        self.last: outcome.Settlement

    def apply(self, *commands: outcome.Command) -> tuple[outcome.Result, ...]:
        """Apply a batch now and keep what it changed."""
        before = self.state
        for sent in commands:
            if isinstance(sent, outcome.PlaceOrder):
                usual = self.config.default_max_slippage_e9
                own = sent.max_slippage_e9
                self.sent[sent.seq] = usual if own is None else own
        self.last = outcome.apply(
            self.config, before, {}, commands, self.at_ms, frontier=self.frontier
        )
        outcome.check_invariants(self.config, before, self.last.state, self.last)
        self.state = self.last.state
        self.frontier.take(self.last.traders.values(), self.last.orders.values())
        return self.last.results

    def next_seq(self) -> int:
        """Return a fresh place in the log."""
        self.seq += 1
        return self.seq

    def order(self, trader: int, side: str, token: int, tokens: Any, **more: Any) -> Any:
        """Return an order for a number of tokens of a token index; `price` in cents."""
        price = more.pop("price", None)
        return outcome.PlaceOrder(
            seq=(seq := self.next_seq()),
            trader=trader,
            ts_ms=seq,
            side=side,
            outcome=token >> 1,
            token=token & 1,
            size_micro=round(tokens * TOKEN),
            price_micro=None if price is None else price * CENT,
            **more,
        )

    def buy(self, trader: int, token: int, tokens: Any, **more: Any) -> Any:
        """Buy in a batch of its own; return the answer."""
        return self.apply(self.order(trader, outcome.BUY, token, tokens, **more))[0]

    def sell(self, trader: int, token: int, tokens: Any, **more: Any) -> Any:
        """Sell in a batch of its own; return the answer."""
        return self.apply(self.order(trader, outcome.SELL, token, tokens, **more))[0]

    def cancel(self, trader: int, ref: int) -> Any:
        """Take back an order in a batch of its own; return the answer."""
        seq = self.next_seq()
        return self.apply(outcome.CancelOrder(seq=seq, trader=trader, ts_ms=seq, ref=ref))[0]

    def eliminate(self, outcomes: Sequence[int], resume_ms: int | None = None) -> Any:
        """Eliminate outcomes; trading resumes at once unless told."""
        resume = self.at_ms if resume_ms is None else resume_ms
        command = outcome.Eliminate(seq=self.next_seq(), outcomes=tuple(outcomes), resume_ms=resume)
        return self.apply(command)[0]

    def resolve(self, winner: int) -> Any:
        """End the market; return the answer."""
        return self.apply(outcome.Resolve(seq=self.next_seq(), winner=winner))[0]

    def cash(self, trader: int) -> int:
        """Return a trader's free money."""
        return self.frontier.traders[trader].cash_micro

    def held(self, trader: int, token: int) -> int:
        """Return a trader's free tokens."""
        return self.frontier.traders[trader].held_micro[token]

    def hand_pairs(self, outcome_: int, tokens: int) -> None:
        """Let Alice buy YES and Bob NO of an outcome; at launch prices all of it pairs."""
        shown = self.state.outcomes[outcome_].yes_pico
        cents = min(99, max(1, shown // 10**10))
        self.buy(ALICE, 2 * outcome_, tokens, price=cents)
        self.buy(BOB, 2 * outcome_ + 1, tokens, price=100 - cents)
