"""A market and its people for tests of the pure engine: no database, no clock."""

from collections.abc import Callable, Mapping
from typing import Any

from exchange.engines import variable

ALICE, BOB, CHARLIE, PAT = 1, 2, 3, 9
USDC = 10**6
SHARE = 10**9
DOLLAR = 10**12
PLENTY = 1_000_000 * USDC

LOOSE: Mapping[str, Any] = {"band": None, "impact_cap": "0.18", "max_stale": "1000000000"}


class Scene:
    """Applies commands one batch at a time and checks the invariants after each."""

    def __init__(self, now_s: int = 0, *, unchecked: bool = False, **params: Any) -> None:
        parse = variable.Config.parse_unchecked if unchecked else variable.Config.parse
        self.config = parse(params)
        self.state = variable.MarketState.opened(self.config, now_s)
        self.now_s = now_s
        self.seq = 0
        self.frontier = variable.MemoryFrontier(
            variable.Trader(id=key, cash_micro=PLENTY) for key in (ALICE, BOB, CHARLIE, PAT)
        )
        self.last: variable.Settlement

    @property
    def traders(self) -> dict[int, variable.Trader]:
        """Return everybody's figures."""
        return self.frontier.traders

    @property
    def providers(self) -> dict[int, variable.Provider]:
        """Return everybody's units."""
        return self.frontier.providers

    @property
    def items(self) -> dict[int, variable.Resting]:
        """Return all that rests in the market."""
        return self.frontier.items

    @classmethod
    def active(cls, pool: int = 10_000, now_s: int = 0, **params: Any) -> "Scene":
        """Return a market that Pat has funded and that has just become active."""
        scene = cls(now_s, **params)
        scene.contribute(PAT, pool * USDC)
        assert scene.state.status == "active"
        return scene

    @classmethod
    def of(cls, other: "Scene") -> "Scene":
        """Return a copy to try things on."""
        scene = cls.__new__(cls)
        scene.config, scene.state, scene.last = other.config, other.state, other.last
        scene.now_s, scene.seq = other.now_s, other.seq
        scene.frontier = variable.MemoryFrontier(
            other.traders.values(), other.providers.values(), other.items.values()
        )
        return scene

    def batch(self, *commands: variable.Command) -> tuple[variable.Result, ...]:
        """Apply commands as one batch and keep what comes of it."""
        before = self.state
        self.last = variable.apply(
            self.config,
            before,
            self.traders,
            self.providers,
            commands,
            self.now_s,
            frontier=self.frontier,
        )
        variable.check_invariants(self.config, before, self.last.state, self.last)
        self.state = self.last.state
        self.frontier.take(
            self.last.traders.values(), self.last.providers.values(), self.last.resting.values()
        )
        return self.last.results

    def do(self, kind: Callable[..., variable.Command], **wishes: Any) -> variable.Result:
        """Apply one command of any kind."""
        return self.batch(kind(seq=self.next_seq(), **wishes))[0]

    def next_seq(self) -> int:
        """Return a fresh place in the log."""
        self.seq += 1
        return self.seq

    def buy(self, trader: int, amount: int | None = None, **wishes: Any) -> variable.Result:
        """Buy for an amount, or as the keywords say."""
        command = variable.Buy(seq=self.next_seq(), trader=trader, amount_micro=amount, **wishes)
        return self.batch(command)[0]

    def sell(self, trader: int, shares_nano: int | None = None, **wishes: Any) -> variable.Result:
        """Sell shares, or as the keywords say."""
        wishes = {"shares_nano": shares_nano, **wishes}
        command = variable.Sell(seq=self.next_seq(), trader=trader, **wishes)
        return self.batch(command)[0]

    def contribute(self, trader: int, amount: int) -> variable.Result:
        """Put money into the market."""
        return self.batch(
            variable.Contribute(seq=self.next_seq(), trader=trader, amount_micro=amount)
        )[0]

    def claim(self, trader: int) -> variable.Result:
        """Take the fees earned."""
        return self.batch(variable.Claim(seq=self.next_seq(), trader=trader))[0]

    def refund(self) -> variable.Result:
        """Give the contributions back."""
        return self.batch(variable.Refund(seq=self.next_seq()))[0]

    def beat(self) -> variable.Result:
        """Let time pass and nothing else happen."""
        return self.batch(variable.Heartbeat(seq=self.next_seq()))[0]

    def oracle(self, *deltas: str, confidence: str = "1") -> variable.Result:
        """Report relative changes, as text, all with one confidence."""
        reports = tuple(report(delta, confidence) for delta in deltas)
        return self.batch(variable.OracleEvent(seq=self.next_seq(), reports=reports))[0]


def report(delta: str, confidence: str = "1") -> variable.Report:
    """Return a report of a relative change given as text."""
    whole, _, rest = delta.lstrip("-").partition(".")
    size = int(whole + rest.ljust(12, "0"))
    first, _, last = confidence.partition(".")
    return variable.Report(
        delta_pico=-size if delta.startswith("-") else size,
        confidence_e8=int(first + last.ljust(8, "0")),
    )


def filled(result: variable.Result) -> variable.Filled:
    """Return a result that must be a trade that went through."""
    assert isinstance(result, variable.Filled), result
    return result


def rejected(result: variable.Result, code: str) -> Mapping[str, Any]:
    """Return the numbers of a result that must be a refusal with this code."""
    assert isinstance(result, variable.Rejected), result
    assert result.code == code, result
    return result.fields


def applied(result: variable.Result, kind: str) -> Mapping[str, Any]:
    """Return the figures of a result that must be of this kind."""
    assert isinstance(result, variable.Applied), result
    assert result.kind == kind
    return result.fields
