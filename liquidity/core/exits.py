"""What a provider may take out at an instant: asked of the engine, whose limits are the rules."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exchange.engines import variable
from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import (
    Applied,
    Config,
    Contribute,
    MarketState,
    MemoryFrontier,
    Provider,
    Rejected,
    Trader,
    Withdrawal,
    WithdrawNow,
)
from exchange.engines.variable.book import Book
from exchange.engines.variable.settlement import advance
from exchange.engines.variable.withdrawals import day_room, free_capital

DAY_S = 86_400
# Each limit in the way names what passes it; there are five of them.
ASKS_MAX = 8
SELF, OTHERS = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """The most that leaves at once, and the rule that stands in the way of more."""

    units_nano: int
    amount_micro: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What of a contribution may leave on one day, if prices and the pool stay as they are."""

    day: int
    at_s: int
    vested_nano: int
    worth_micro: int
    at_once: AtOnce


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a contribution would bring: its units, or the refusal; and when it may leave."""

    refused: Rejected | None
    units_nano: int = 0
    activates: bool = False
    share_e8: int = 0
    later: tuple[Later, ...] = ()


def at_once(
    config: Config,
    state: MarketState,
    provider: Provider,
    now_s: int,
    queue: Iterable[Withdrawal] = (),
) -> AtOnce:
    """Return the most units that may be withdrawn now.

    Starts from all of them and follows what each refusal says would pass.
    """
    units, rule = provider.units_nano - provider.locked_nano, ""
    for _ in range(ASKS_MAX):
        answer = withdrawn(config, state, provider, units_nano=units, now_s=now_s, queue=queue)
        if isinstance(answer, Applied):
            amount = answer.fields["amount_micro"]
            assert isinstance(amount, int)
            return AtOnce(units_nano=units, amount_micro=amount, rule=rule)
        rule = answer.code
        most = int(answer.fields.get("units_max_nano", 0))
        if not 0 < most < units:
            break
        units = most
    return AtOnce(units_nano=0, amount_micro=0, rule=rule)


def withdrawn(
    config: Config,
    state: MarketState,
    provider: Provider,
    *,
    units_nano: int,
    now_s: int,
    queue: Iterable[Withdrawal] = (),
) -> Applied | Rejected:
    """Return what withdrawing units at once would do now, or the rule that refuses it."""
    command = WithdrawNow(seq=0, trader=provider.id, units_nano=units_nano)
    people, stakes = {provider.id: Trader(id=provider.id)}, {provider.id: provider}
    market = MemoryFrontier(items=queue)
    done = variable.apply(config, state, people, stakes, (command,), now_s, frontier=market)
    answer = done.results[0]
    assert isinstance(answer, Applied | Rejected)
    return answer


def contributed(
    config: Config, state: MarketState, amount_micro: int, now_s: int, days: Iterable[int]
) -> Outcome:
    """Return what a newcomer's contribution would bring now, and what may leave on later days.

    In a market that is being funded the rest of its goal is taken to arrive now. Later days are
    those after its units' clock starts, with every price and everybody else as they are.
    """
    command = Contribute(seq=0, trader=SELF, amount_micro=amount_micro)
    rich = Trader(id=SELF, cash_micro=amount_micro)
    done = variable.apply(config, state, {SELF: rich}, {}, (command,), now_s)
    answer = done.results[0]
    if isinstance(answer, Rejected):
        return Outcome(refused=answer)
    assert isinstance(answer, Applied)
    after, provider = done.state, done.providers[SELF]
    activates = bool(answer.fields["activated"])
    after = _activated(config, after, now_s)
    return Outcome(
        refused=None,
        units_nano=provider.units_nano,
        activates=activates,
        share_e8=div_floor(provider.units_nano * RATE, after.units_nano),
        later=tuple(later(config, after, provider, after.t_s, days)),
    )


def later(
    config: Config, state: MarketState, provider: Provider, start_s: int, days: Iterable[int]
) -> list[Later]:
    """Return what may leave on each of `days` after `start_s`, with nothing taken before it."""
    found = []
    for day in days:
        at_s = start_s + day * DAY_S
        vested = variable.vested(config, state, provider, at_s)
        whole = replace(provider, locked_nano=0)
        found.append(
            Later(
                day=day,
                at_s=at_s,
                vested_nano=vested,
                worth_micro=_worth(state, vested),
                at_once=at_once(config, state, whole, at_s),
            )
        )
    return found


def rooms(config: Config, state: MarketState, now_s: int) -> tuple[int, int]:
    """Return what may still be paid to providers today, and what they may take at all.

    Units:   micro-USDC.
    Rounds:  down.
    """
    book = Book(config, state, {}, {}, now_s)
    advance(book)
    return day_room(book), free_capital(book)


def _activated(config: Config, state: MarketState, now_s: int) -> MarketState:
    """Return the state as it will be once others have brought what is missing."""
    if state.status != variable.FUNDING:
        return state
    missing = config.soft_cap_micro - state.funding_micro
    command = Contribute(seq=0, trader=OTHERS, amount_micro=missing)
    rich = Trader(id=OTHERS, cash_micro=missing)
    # what is missing may be less than anybody could bring alone
    lenient = replace(config, min_lp_micro=1)
    return variable.apply(lenient, state, {OTHERS: rich}, {}, (command,), now_s).state


def _worth(state: MarketState, units_nano: int) -> int:
    if not state.units_nano:
        return 0
    return div_floor(units_nano * max(0, state.equity_micro), state.units_nano)
