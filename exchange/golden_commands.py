"""Turns a step of a reference case into a command, and an answer into the words of the cases."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from exchange.engines import variable
from exchange.engines.units import MICRO, NANO, PICO, RATE, parse_fixed
from exchange.engines.variable.results import TIMED_EXIT

Json = dict[str, Any]

TARGETS = {"sl": "stop_pico", "tp": "target_pico"}
# the fields of a trade: what the cases call them, ours, and the places
BUY_WISHES = (
    ("amount", "amount_micro", 6),
    ("shares", "shares_nano", 9),
    ("min_shares", "min_shares_nano", 9),
    ("max_cost", "max_cost_micro", 6),
)
SELL_WISHES = (
    ("shares", "shares_nano", 9),
    ("target", "target_micro", 6),
    ("min_out", "min_out_micro", 6),
    ("max_margin", "max_margin_micro", 6),
    ("extra", "extra_micro", 6),
)


def command_of(
    step: Json, seq: int, names: list[str], resting: Mapping[int, variable.Resting]
) -> variable.Command:
    """Return the command of a step; people are numbered in the order of `names`."""
    op, given = step["op"], step["args"]
    if op in PLAIN:
        return PLAIN[op](seq=seq)
    if op == "oracle":
        reports = tuple(_report(*pair) for pair in given[0])
        return variable.OracleEvent(seq=seq, reports=reports)
    if op == "recalibrate":
        return variable.Recalibrate(seq=seq, k_atto=parse_fixed(given[0], 18))
    if op in ("cancel_commit", "cancel_withdraw"):
        return variable.Cancel(seq=seq, trader=resting[given[0]].trader, ref=given[0])
    return PERSONAL[op](seq, names.index(given[0]), given[1:], step["kwargs"])


PLAIN: Mapping[str, Callable[..., variable.Command]] = {
    "tick": variable.Heartbeat,
    "refund_expired": variable.Refund,
    "run_exits": variable.RunExits,
    "process_queue": variable.ProcessQueue,
    "wind_down": variable.WindDown,
    "settle_market": variable.Settle,
}

Maker = Callable[[int, int, list[Any], Json], variable.Command]


def _buy(seq: int, key: int, _given: list[Any], wishes: Json) -> variable.Command:
    sizes = _sizes(wishes, BUY_WISHES)
    return variable.Buy(seq=seq, trader=key, commit=bool(wishes.get("commit")), **sizes)


def _sell(seq: int, key: int, _given: list[Any], wishes: Json) -> variable.Command:
    sizes = _sizes(wishes, SELL_WISHES)
    return variable.Sell(seq=seq, trader=key, commit=bool(wishes.get("commit")), **sizes)


def _sizes(wishes: Json, known: tuple[tuple[str, str, int], ...]) -> dict[str, Any]:
    names = {name for name, _, _ in known} | {"commit"}
    unknown = sorted(set(wishes) - names)
    if unknown:
        raise ValueError(f"unknown argument {unknown[0]}")
    return {
        field: parse_fixed(wishes[name], places) for name, field, places in known if name in wishes
    }


def _money(kind: Callable[..., variable.Command]) -> Maker:
    def make(seq: int, key: int, given: list[Any], _wishes: Json) -> variable.Command:
        return kind(seq=seq, trader=key, amount_micro=parse_fixed(given[0], 6))

    return make


def _units(kind: Callable[..., variable.Command]) -> Maker:
    def make(seq: int, key: int, given: list[Any], _wishes: Json) -> variable.Command:
        return kind(seq=seq, trader=key, units_nano=parse_fixed(given[0], 9))

    return make


def _limit(seq: int, key: int, given: list[Any], _wishes: Json) -> variable.Command:
    return variable.PlaceLimit(
        seq=seq,
        trader=key,
        intent=given[0],
        shares_nano=parse_fixed(given[1], 9),
        price_pico=parse_fixed(given[2], 12),
    )


def _targets(seq: int, key: int, _given: list[Any], wishes: Json) -> variable.Command:
    levels = {TARGETS[name]: parse_fixed(level, 12) for name, level in wishes.items()}
    return variable.SetTargets(seq=seq, trader=key, **levels)


def _exit(seq: int, key: int, given: list[Any], _wishes: Json) -> variable.Command:
    return variable.StartExit(
        seq=seq,
        trader=key,
        shares_nano=parse_fixed(given[0], 9),
        chunks=given[1],
        interval_s=given[2],
    )


PERSONAL: Mapping[str, Maker] = {
    "buy": _buy,
    "sell": _sell,
    "contribute": _money(variable.Contribute),
    "claim": lambda seq, key, _given, _wishes: variable.Claim(seq=seq, trader=key),
    "add_collateral": _money(variable.AddCollateral),
    "remove_collateral": _money(variable.RemoveCollateral),
    "limit": _limit,
    "set_targets": _targets,
    "timed_exit": _exit,
    "request_withdraw": _units(variable.QueueWithdrawal),
    "withdraw_instant": _units(variable.WithdrawNow),
}


def _report(delta: str, confidence: str) -> variable.Report:
    size = parse_fixed(delta.removeprefix("-"), 12)
    return variable.Report(
        delta_pico=-size if delta.startswith("-") else size,
        confidence_e8=parse_fixed(confidence, 8),
    )


def answer_of(op: str, done: variable.Settlement, names: list[str]) -> object:
    """Return an accepted result in the words of the cases."""
    result = done.results[0]
    if isinstance(result, variable.Filled):
        return _trade(result, done)
    assert not isinstance(result, variable.Rejected)
    fields: Json = result.fields
    if op == "contribute":
        units = Fraction(fields["units_nano"], NANO)
        return {"units": units, "activated": fields["activated"]}
    if op in ("claim", "withdraw_instant"):
        return Fraction(fields["amount_micro"], MICRO)
    if op == "oracle":
        return _oracle(fields)
    if op == "settle_market":
        return Fraction(fields["price_pico"], PICO)
    return _rested(op, fields, done, names)


def _rested(op: str, fields: Json, done: variable.Settlement, names: list[str]) -> object:
    if op in ("limit", "timed_exit", "request_withdraw"):
        return fields["id"]
    if op == "run_exits":
        return [_close(fill) for fill in done.fills if fill.cause == TIMED_EXIT]
    if op == "process_queue":
        return [
            [names[p.provider], Fraction(p.units_nano, NANO), Fraction(p.amount_micro, MICRO)]
            for p in done.payouts
        ]
    return None


def _oracle(fields: Json) -> Json:
    names = ("delta_med", "mad", "delta_eff", "wanted", "applied")
    figures = {name: Fraction(fields[f"{name}_pico"], PICO) for name in names}
    figures["conf"] = Fraction(fields["conf_e8"], RATE)
    figures["F"] = Fraction(fields["fundamental_pico"], PICO)
    figures["T"] = Fraction(fields["target_pico"], PICO)
    return figures


def _trade(result: variable.Filled, done: variable.Settlement) -> Json:
    closing, opening = None, None
    for fill in result.legs:
        if fill.leg == "close_long":
            closing = _close(fill)
        elif fill.leg == "cover_short":
            closing = _cover(fill)
        elif fill.leg == "open_long":
            opening = _open_long(fill)
        else:
            escrow = done.traders[fill.trader].escrow_micro
            opening = _open_short(fill, escrow)
    first = "cover" if result.side == "buy" else "close"
    return {first: closing, "open": opening, "committed": result.committed}


def _common(fill: variable.Fill) -> Json:
    return {
        "shares": Fraction(fill.shares_nano, NANO),
        "fee": Fraction(fill.fee_micro, MICRO),
    }


def _close(fill: variable.Fill) -> Json:
    return {
        **_common(fill),
        "gross": Fraction(fill.value_micro, MICRO),
        "net": Fraction(fill.value_micro - fill.fee_micro, MICRO),
        "pnl": Fraction(fill.realised_micro, MICRO),
    }


def _cover(fill: variable.Fill) -> Json:
    gross, released = fill.value_micro + fill.fee_micro, -fill.escrow_micro
    return {
        **_common(fill),
        "cost": Fraction(fill.value_micro, MICRO),
        "gross": Fraction(gross, MICRO),
        "released": Fraction(released, MICRO),
        "net": Fraction(released - gross, MICRO),
        "pnl": Fraction(fill.realised_micro, MICRO),
    }


def _open_long(fill: variable.Fill) -> Json:
    gross = fill.value_micro + fill.fee_micro + fill.surcharge_micro
    return {
        **_common(fill),
        "cost": Fraction(fill.value_micro, MICRO),
        "surcharge": Fraction(fill.surcharge_micro, MICRO),
        "gross": Fraction(gross, MICRO),
    }


def _open_short(fill: variable.Fill, escrow: int) -> Json:
    return {
        **_common(fill),
        "gross": Fraction(fill.value_micro, MICRO),
        "surcharge": Fraction(fill.surcharge_micro, MICRO),
        "margin": Fraction(fill.escrow_micro - fill.value_micro, MICRO),
        "escrow": Fraction(escrow, MICRO),
    }
