"""Runs reference cases of the variable market against the engine and says where the two differ."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from exchange.engines import variable
from exchange.engines.units import ATTO, MICRO, NANO, PICO, RATE, parse_fixed
from exchange.golden_forms import SHORT_PLACES, close_out, form_of

Json = dict[str, Any]

# What the cases call a parameter, where it is not the specification's own word.
RENAMED = {"P0": "P0_init"}
TRADE_OPS = {
    "buy": {"amount", "shares", "min_shares", "max_cost", "commit"},
    "sell": {"shares", "target", "min_out", "commit"},
}
OTHER_OPS = {"contribute", "claim", "oracle", "tick", "refund_expired"}
SHORT_CODES = {"price_floor", "oi_cap_short", "capital_short", "capital_long_cover", "margin_limit"}

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
    traders: dict[int, variable.Trader]
    providers: dict[int, variable.Provider] = field(default_factory=dict)
    seq: int = 0


def run(case: Json, defaults: Json) -> list[Difference]:
    """Return every difference between a case and what the engine makes of it."""
    reason = left_out(case)
    if reason:
        return [Difference(case["id"], "", "", f"not supported: {reason}")]
    found = _pure(case) if case["kind"] == "pure" else _flow(case, defaults)
    return [Difference(case["id"], path, expected, got) for path, expected, got in found]


def left_out(case: Json) -> str:
    """Return why a case lies outside the long side of the market, nothing where it does not."""
    if case["kind"] == "pure":
        return "" if form_of(case) else "unknown form of a pure case"
    for number, step in enumerate(case["steps"]):
        reason = _beyond(step)
        if reason:
            return f"step {number}: {reason}"
    return ""


def _beyond(step: Json) -> str:
    op, wishes = step["op"], step["kwargs"]
    if op not in TRADE_OPS and op not in OTHER_OPS:
        return f"operation {op}"
    other = sorted(set(wishes) - TRADE_OPS.get(op, set()))
    if other or wishes.get("commit"):
        return f"argument {(other or ['commit'])[0]}"
    if step.get("reject") in SHORT_CODES:
        return f"expects {step['reject']}"
    result = step.get("result")
    if isinstance(result, dict):
        wanted = ("cover", "committed") if op == "buy" else ("open", "committed")
        if op in TRADE_OPS and any(result.get(name) for name in wanted):
            return "expects a short or a committed order"
    return ""


Found = Iterator[tuple[str, object, object]]


def _flow(case: Json, defaults: Json) -> Found:
    world = _world(case, defaults)
    for number, step in enumerate(case["steps"]):
        path = f"steps[{number}].{step['op']}"
        result = _step(world, step)
        refused = result.code if isinstance(result, variable.Rejected) else None
        if step.get("reject") != refused:
            yield path, step.get("reject"), refused
        elif refused is None:
            yield from _compare(path, step["result"], _as_case(step["op"], result))
    yield from _compare_final(case["final"], world)


def _world(case: Json, defaults: Json) -> World:
    values = {RENAMED.get(k, k): v for k, v in {**defaults, **case["params"]}.items()}
    config = variable.Config.parse_unchecked(values)
    names = list(case["initial_cash"])
    traders = {
        n: variable.Trader(id=n, cash_micro=parse_fixed(case["initial_cash"][name], 6))
        for n, name in enumerate(names)
    }
    return World(config, variable.MarketState.opened(config, case["start"]), names, traders)


def _step(world: World, step: Json) -> variable.Result:
    world.seq += 1
    done = variable.apply(
        world.config,
        world.state,
        world.traders,
        world.providers,
        (_command(world, step),),
        step["now"],
    )
    variable.check_invariants(world.config, world.state, done.state, done)
    world.state = done.state
    world.traders.update(done.traders)
    world.providers.update(done.providers)
    return done.results[0]


def _command(world: World, step: Json) -> variable.Command:
    seq, op, given = world.seq, step["op"], step["args"]
    if op == "tick":
        return variable.Heartbeat(seq=seq)
    if op == "refund_expired":
        return variable.Refund(seq=seq)
    if op == "oracle":
        return variable.OracleEvent(seq=seq, reports=tuple(_report(*pair) for pair in given[0]))
    trader = world.names.index(given[0])
    if op == "claim":
        return variable.Claim(seq=seq, trader=trader)
    if op == "contribute":
        return variable.Contribute(seq=seq, trader=trader, amount_micro=parse_fixed(given[1], 6))
    return _trade(seq, trader, op, step["kwargs"])


def _trade(seq: int, trader: int, op: str, wishes: Json) -> variable.Command:
    if op == "buy":
        return variable.Buy(
            seq=seq,
            trader=trader,
            amount_micro=_optional(wishes, "amount", 6),
            shares_nano=_optional(wishes, "shares", 9),
            min_shares_nano=_optional(wishes, "min_shares", 9),
            max_cost_micro=_optional(wishes, "max_cost", 6),
        )
    return variable.Sell(
        seq=seq,
        trader=trader,
        shares_nano=_optional(wishes, "shares", 9),
        target_micro=_optional(wishes, "target", 6),
        min_out_micro=_optional(wishes, "min_out", 6),
    )


def _optional(wishes: Json, name: str, places: int) -> int | None:
    return parse_fixed(wishes[name], places) if name in wishes else None


def _report(delta: str, confidence: str) -> variable.Report:
    size = parse_fixed(delta.removeprefix("-"), 12)
    return variable.Report(
        delta_pico=-size if delta.startswith("-") else size,
        confidence_e8=parse_fixed(confidence, 8),
    )


def _as_case(op: str, result: variable.Result) -> object:
    """Return an accepted result in the words of the cases."""
    if isinstance(result, variable.Filled):
        return _trade_as_case(result)
    assert isinstance(result, variable.Applied)
    fields: Json = result.fields
    if op == "contribute":
        return {
            "units": Fraction(fields["units_nano"], NANO),
            "activated": fields["activated"],
        }
    if op == "claim":
        return Fraction(fields["amount_micro"], MICRO)
    if op != "oracle":
        return None
    names = ("delta_med", "mad", "delta_eff", "wanted", "applied")
    figures = {name: Fraction(fields[f"{name}_pico"], PICO) for name in names}
    figures["conf"] = Fraction(fields["conf_e8"], RATE)
    figures["F"] = Fraction(fields["fundamental_pico"], PICO)
    figures["T"] = Fraction(fields["target_pico"], PICO)
    return figures


def _trade_as_case(result: variable.Filled) -> Json:
    fee, net = Fraction(result.fee_micro, MICRO), Fraction(result.net_micro, MICRO)
    value, shares = Fraction(result.value_micro, MICRO), Fraction(result.shares_nano, NANO)
    if result.side == "sell":
        realised = Fraction(result.realised_micro, MICRO)
        close = {"shares": shares, "gross": value, "fee": fee, "net": net, "pnl": realised}
        return {"close": close, "open": None, "committed": None}
    extra = Fraction(result.surcharge_micro, MICRO)
    opened = {"shares": shares, "cost": value, "fee": fee, "surcharge": extra, "gross": net}
    return {"cover": None, "open": opened, "committed": None}


def _compare(path: str, expected: object, got: object) -> Found:
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted(expected.keys() | got.keys()):
            yield from _compare(f"{path}.{name}", expected.get(name), got.get(name))
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
    assert form is not None
    got = form(case["input"])
    for name, expected in case["expected"].items():
        yield from _compare(f"expected.{name}", expected, got.get(name))
