"""Runs reference cases against the engines and says where the two differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exchange import golden_outcome
from exchange.engines import variable
from exchange.engines.units import ATTO, MICRO, NANO, PICO, parse_fixed
from exchange.golden_commands import answer_of, command_of
from exchange.golden_forms import SHORT_PLACES, close_out, form_of

Json = dict[str, Any]

# What the cases call a parameter, where it is not the specification's own word.
RENAMED = {"P0": "P0_init"}
EXACT_PLACES = 9
LONG_PLACES = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of one case that is not what the case expects."""

    case: str
    path: str
    expected: object
    got: object


@dataclass(slots=True)
class World:
    """A market and its people between two steps of a flow."""

    config: variable.Config
    state: variable.MarketState
    names: list[str]
    frontier: variable.MemoryFrontier
    seq: int = 0

    @property
    def traders(self) -> dict[int, variable.Trader]:
        """Return everybody's figures by number."""
        return self.frontier.traders

    @property
    def providers(self) -> dict[int, variable.Provider]:
        """Return everybody's units by number."""
        return self.frontier.providers


def run(case: Json, defaults: Json) -> list[Difference]:
    """Return every difference between a case and what its engine makes of it.

    A case of the outcome market has users and steps; one of the variable market names its kind.
    """
    return [
        Difference(case["id"], path, expected, got)
        for path, expected, got in _found(case, defaults)
    ]


Found = Iterator[tuple[str, object, object]]


def _found(case: Json, defaults: Json) -> Found:
    if "kind" not in case:
        return golden_outcome.run(case, defaults)
    return _pure(case) if case["kind"] == "pure" else _flow(case, defaults)


def _flow(case: Json, defaults: Json) -> Found:
    world = _world(case, defaults)
    for number, step in enumerate(case["steps"]):
        path = f"steps[{number}].{step['op']}"
        done = _step(world, step)
        result = done.results[0]
        refused = result.code if isinstance(result, variable.Rejected) else None
        if step.get("reject") != refused:
            yield path, step.get("reject"), refused
        elif refused is None:
            yield from _compare(path, step["result"], answer_of(step["op"], done, world.names))
    yield from _compare_final(case["final"], world)


def _world(case: Json, defaults: Json) -> World:
    values = {RENAMED.get(k, k): v for k, v in {**defaults, **case["params"]}.items()}
    config = variable.Config.parse_unchecked(values)
    names = list(case["initial_cash"])
    traders = [
        variable.Trader(id=n, cash_micro=parse_fixed(case["initial_cash"][name], 6))
        for n, name in enumerate(names)
    ]
    frontier = variable.MemoryFrontier(traders)
    return World(config, variable.MarketState.opened(config, case["start"]), names, frontier)


def _step(world: World, step: Json) -> variable.Settlement:
    world.seq += 1
    command = command_of(step, world.seq, world.names, world.frontier.items)
    done = variable.apply(
        world.config,
        world.state,
        world.traders,
        world.providers,
        (command,),
        step["now"],
        frontier=world.frontier,
    )
    variable.check_invariants(world.config, world.state, done.state, done)
    if isinstance(done.results[0], variable.Rejected):
        # the cases undo the time that a refused operation let pass, as the specification allows
        return done
    world.state = done.state
    world.frontier.take(done.traders.values(), done.providers.values(), done.resting.values())
    return done


def _compare(path: str, expected: object, got: object) -> Found:
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted(expected.keys() | got.keys()):
            yield from _compare(f"{path}.{name}", expected.get(name), got.get(name))
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for number, (wanted, found) in enumerate(zip(expected, got, strict=True)):
            yield from _compare(f"{path}[{number}]", wanted, found)
    elif isinstance(expected, str) and isinstance(got, Fraction):
        exact = (got * 10**EXACT_PLACES).denominator == 1
        if Fraction(expected) != (got if exact else round(got, SHORT_PLACES)):
            yield path, expected, _shown(got)
    elif expected != got:
        yield path, expected, got


def _compare_final(final: Json, world: World) -> Found:
    state = world.state
    half = 2 * 10**36
    prices = {"P0": state.p0_pico, "F": state.f_pico, "T": state.target_pico}
    money = {
        "M": Fraction(state.price_exact, 10**27),
        "V": Fraction(state.liability_exact, half),
        "A": Fraction(state.payout_exact, half),
        "E": Fraction(state.equity_exact, half),
        "Phi": Fraction(state.free_capital_exact, half),
        "p_req": close_out(state),
        "pool": Fraction(state.pool_micro, MICRO),
        "lp_fees": Fraction(state.lp_fees_micro, MICRO),
        "insurance": Fraction(state.insurance_micro, MICRO),
        "treasury": Fraction(state.treasury_micro, MICRO),
    }
    shares = {"L": state.long_nano, "X": state.short_nano, "S": state.supply_nano}
    got: dict[str, tuple[Fraction, int]] = {
        "k": (Fraction(state.k_atto, ATTO), 18),
        "lp_units": (Fraction(state.units_nano, NANO), EXACT_PLACES),
        **{name: (Fraction(pico, PICO), LONG_PLACES) for name, pico in prices.items()},
        **{name: (figure, SHORT_PLACES) for name, figure in money.items()},
        **{name: (Fraction(nano, NANO), EXACT_PLACES) for name, nano in shares.items()},
    }
    for name, (figure, places) in got.items():
        yield from _compare_fixed(f"final.{name}", final[name], figure, places)
    yield from _compare("final.status", final["status"], state.status)
    yield from _compare("final.clamped", final["clamped"], state.clamped)
    for key, name in enumerate(world.names):
        yield from _compare_person(f"final.{name}", final["users"][name], world.traders[key])


def _compare_person(path: str, expected: Json, trader: variable.Trader) -> Found:
    money = {
        "cash": trader.cash_micro,
        "reserved": trader.reserved_micro,
        "entry": trader.entry_micro,
        "escrow": trader.escrow_micro,
    }
    for name, micro in money.items():
        yield from _compare_fixed(f"{path}.{name}", expected[name], Fraction(micro, MICRO), 6)
    shares = Fraction(trader.shares_nano, NANO)
    yield from _compare_fixed(f"{path}.shares", expected["shares"], shares, EXACT_PLACES)


def _compare_fixed(path: str, expected: str, got: Fraction, places: int) -> Found:
    if Fraction(expected) != round(got, places):
        yield path, expected, _shown(got)


def _shown(got: Fraction) -> str:
    sign = "-" if got < 0 else ""
    digits = str(round(abs(got) * 10**LONG_PLACES)).rjust(LONG_PLACES + 1, "0")
    return f"{sign}{digits[:-LONG_PLACES]}.{digits[-LONG_PLACES:]}"


def _pure(case: Json) -> Found:
    form = form_of(case)
    if form is None:
        yield "", "a form known here", "another"
        return
    got = form(case["input"])
    for name, expected in case["expected"].items():
        yield from _compare(f"expected.{name}", expected, got.get(name))
