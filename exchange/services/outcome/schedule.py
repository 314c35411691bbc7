"""What a session's clock brings: freezes, eliminations and the end, each at its tick.

Tick n ends n intervals after the start and takes what arrived before its end. A clock that was
away takes the ticks it has missed one after the other, those in which something happens, so that
what comes of it does not hang on nobody having kept the time. Of ticks that lie back further than
CATCH_UP_MAX only the schedule is made good one by one: their orders are one batch, or a clock that
is too slow would fall behind for ever.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exchange.engines import outcome
from exchange.engines.outcome import Round
from exchange.models import Market
from exchange.selectors.outcome.rounds import next_round

# A clock that was put back further than this many ticks is not waited for.
BACK_MAX = 2
# So many ticks with orders, or with moving prices alone, are made good one by one.
CATCH_UP_MAX = 60
# Moving parameters move the prices; so often at least a tick is written of them.
BEAT_MS = 5_000

Json = dict[str, Any]
House = tuple[str, Json, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands, as its live row says."""

    status: str
    reduces: bool
    planned_winner: int | None
    last_number: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """One tick to take: its number, its end, and what the house does in it (kind, payload, key)."""

    number: int
    t_ms: int
    house: tuple[House, ...] = ()


@dataclass(frozen=True, slots=True)
class _Event:
    at_ms: int
    house: tuple[House, ...]


def step(config: outcome.Config, state: outcome.MarketState, standing: Standing) -> Step | None:
    """Return the next tick that is due, or None where the newest one has been taken.

    Orders that wait may ask for an earlier one: see `earlier`.
    """
    interval, last = config.batch_ms, standing.last_number
    newest = standing.now_ms // interval
    if last - newest > BACK_MAX:
        newest = last + 1
    runs = standing.status == Market.Status.RUNNING
    events = list(_events(config, state, standing)) if runs else []
    beat = _beat(config, state, standing)
    if beat is not None and newest - _tick_of(beat, interval, last) <= CATCH_UP_MAX:
        events.append(beat)
    for event in sorted(events, key=lambda event: _tick_of(event, interval, last)):
        number = _tick_of(event, interval, last)
        if number <= newest:
            return Step(number, number * interval, event.house)
    if newest <= last:
        return None
    missed = beat is not None and beat.at_ms <= newest * interval
    return Step(newest, newest * interval, beat.house if beat is not None and missed else ())


def earlier(due: Step, last_number: int, oldest_ms: int, interval: int) -> Step:
    """Return the tick in which an order that waits was to be taken, if it lies before `due`.

    `oldest_ms` is when the oldest order arrived, on the session's clock.
    """
    number = max(oldest_ms // interval + 1, last_number + 1)
    if number >= due.number or due.number - number > CATCH_UP_MAX:
        return due
    return Step(number, number * interval)


def _tick_of(event: _Event, interval: int, last: int) -> int:
    return max(-(-event.at_ms // interval), last + 1)


def _events(
    config: outcome.Config, state: outcome.MarketState, standing: Standing
) -> Iterator[_Event]:
    coming = next_round(config, state)
    if coming is not None and coming.at_ms <= config.total_duration_ms:
        freezes = coming.freeze_ms or not coming.outcomes
        if freezes and state.status != outcome.FROZEN:
            at_ms = max(0, coming.at_ms - coming.freeze_ms)
            yield _Event(at_ms, (_gate(outcome.FROZEN, f"freeze:{coming.at_ms}"),))
        elif coming.outcomes:
            yield _Event(coming.at_ms, tuple(_elimination(coming, standing)))
        return  # the end waits for the round that was due before it
    end = config.total_duration_ms
    over: tuple[House, ...] = (_gate(outcome.ENDED, "end"),)
    if standing.planned_winner is not None:
        over += (("resolve", {"winner": standing.planned_winner}, "resolve"),)
    yield _Event(end, over)


def _elimination(coming: Round, standing: Standing) -> Iterator[House]:
    yield "eliminate", {"outcomes": list(coming.outcomes)}, f"eliminate:{coming.at_ms}"
    if standing.reduces:
        yield _gate(outcome.REDUCING, f"reduce:{coming.at_ms}")


def _gate(mode: str, occasion: str) -> House:
    return "gate", {"mode": mode}, occasion


def _beat(config: outcome.Config, state: outcome.MarketState, standing: Standing) -> _Event | None:
    """Return when prices are written again while the parameters that they hang on are moving."""
    moves = config.zeta_start_e9 != config.zeta_end_e9 and state.t_ms < config.total_duration_ms
    if not moves or standing.status != Market.Status.RUNNING:
        return None
    at_ms = state.t_ms + BEAT_MS
    return _Event(at_ms, (_gate(state.status, f"beat:{at_ms}"),))
