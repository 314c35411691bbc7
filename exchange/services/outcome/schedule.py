"""What a session's clock brings: freezes, eliminations and the end, each at its tick.

Tick n ends n intervals after the start and takes what arrived before its end. A clock that was
away takes the steps it has missed one after the other, each at its own tick, so that what happens
does not hang on how long nobody kept the time.
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
    """Return the next tick that is due, or None where the newest one has been taken."""
    interval, last = config.batch_ms, standing.last_number
    newest = standing.now_ms // interval
    if last - newest > BACK_MAX:
        newest = last + 1
    events = _events(config, state, standing) if standing.status == Market.Status.RUNNING else ()
    for event in sorted(events, key=lambda event: event.at_ms):
        number = max(-(-event.at_ms // interval), last + 1)
        if number <= newest:
            return Step(number, number * interval, event.house)
    if newest <= last:
        return None
    return Step(newest, newest * interval, tuple(_beat(config, state, standing, newest * interval)))


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


def _beat(
    config: outcome.Config, state: outcome.MarketState, standing: Standing, t_ms: int
) -> Iterator[House]:
    """Yield a beat while the parameters that prices hang on are moving."""
    moves = config.zeta_start_e9 != config.zeta_end_e9 and state.t_ms < config.total_duration_ms
    runs = standing.status == Market.Status.RUNNING
    if runs and moves and t_ms - state.t_ms >= BEAT_MS:
        yield _gate(state.status, f"beat:{t_ms}")
