"""The reference cases that need no market: one function per form, told apart by its inputs."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from exchange.engines import variable
from exchange.engines.units import ATTO, MICRO, NANO, PICO, RATE, parse_fixed
from exchange.engines.variable import curve, fees, providers, vesting
from exchange.engines.variable.state import ACTIVE

Json = dict[str, Any]

SHORT_PLACES = 6

Form = Callable[[Json], Mapping[str, object]]


def form_of(case: Json) -> Form | None:
    """Return what computes a pure case, told apart by the names of its inputs."""
    given = set(case["input"])
    forms: Sequence[tuple[set[str], Form]] = (
        ({"P0", "k", "S"}, _curve_case),
        ({"P0", "k", "L", "X", "pool", "F"}, _capital_case),
        ({"P0", "depth", "raised"}, _depth_case),
        ({"F", "T", "side", "seconds_overdue"}, _surcharge_case),
        ({"M", "F", "volume", "V0"}, _display_case),
        ({"schedule"}, _vesting_case),
    )
    return next((form for names, form in forms if names <= given), None)


def _curve_case(given: Json) -> Mapping[str, object]:
    p0, k = parse_fixed(given["P0"], 12), parse_fixed(given["k"], 18)
    supply = parse_fixed(given["S"].removeprefix("-"), 9)
    supply = -supply if given["S"].startswith("-") else supply
    price = curve.price_exact(p0, k, supply)
    got: Json = {
        "M_before": Fraction(price, 10**27),
        "V": Fraction(curve.value_exact(p0, k, supply), 2 * 10**36),
        "sell_5": Fraction(curve.proceeds(price, k, 5 * NANO), MICRO),
    }
    bought, sold = 0, 0
    if "net" in given:
        bought = curve.shares_for(price, k, parse_fixed(given["net"], 6))
        got["shares"] = Fraction(bought, NANO)
    elif "target" in given:
        sold = curve.shares_for_sale(price, k, parse_fixed(given["target"], 6)) or 0
        got["shares"] = Fraction(sold, NANO)
    else:
        bought = sold = parse_fixed(given["shares"], 9)
    got["cost"] = Fraction(curve.cost(price, k, bought), MICRO)
    got["gross"] = Fraction(curve.proceeds(price, k, sold), MICRO)
    end = bought if "net" in given else -sold
    got["M_after"] = Fraction(curve.price_exact(p0, k, supply + end), 10**27)
    return got


def _capital_case(given: Json) -> Mapping[str, object]:
    state = variable.MarketState(
        status=ACTIVE,
        t_s=0,
        opened_s=0,
        deadline_s=0,
        p0_pico=parse_fixed(given["P0"], 12),
        k_atto=parse_fixed(given["k"], 18),
        f_pico=parse_fixed(given["F"], 12),
        target_pico=parse_fixed(given["F"], 12),
        long_nano=parse_fixed(given["L"], 9),
        short_nano=parse_fixed(given["X"], 9),
        pool_micro=parse_fixed(given["pool"], 6),
    )
    half = 2 * 10**36
    worst = curve.worst_exact(state.p0_pico, state.k_atto, state.short_nano)
    return {
        "S": Fraction(state.supply_nano, NANO),
        "M": Fraction(state.price_exact, 10**27),
        "V": Fraction(state.liability_exact, half),
        "E": Fraction(state.equity_exact, half),
        "A": Fraction(state.payout_exact, half),
        "Phi": Fraction(state.free_capital_exact, half),
        "p_req": close_out(state),
        "short_funding": Fraction(worst, half),
    }


def close_out(state: variable.MarketState) -> Fraction:
    """Return p_req of a state, exact."""
    on_curve = Fraction(state.p0_pico, PICO) + Fraction(state.k_atto * state.long_nano, 10**27)
    recentred = Fraction(state.f_pico, PICO) + Fraction(state.k_atto * state.short_nano, 10**27)
    return max(on_curve, recentred)


def _depth_case(given: Json) -> Mapping[str, object]:
    k = providers.slope(
        parse_fixed(given["depth"], 8),
        parse_fixed(given["P0"], 12),
        parse_fixed(given["raised"], 6),
    )
    return {"k": Fraction(k, ATTO)}


def _config_of(given: Json) -> variable.Config:
    names = variable.Config.parse({}).to_mapping()
    return variable.Config.parse_unchecked({k: v for k, v in given.items() if k in names})


def _surcharge_case(given: Json) -> Mapping[str, object]:
    config = _config_of(given)
    rate = fees.surcharge_e8(
        config,
        parse_fixed(given["F"], 12),
        parse_fixed(given["T"], 12),
        side=given["side"],
        late_s=given["seconds_overdue"],
    )
    return {"base": Fraction(config.fee_e8, RATE), "surcharge": Fraction(rate, RATE)}


def _display_case(given: Json) -> Mapping[str, object]:
    price = parse_fixed(given["M"], 12) * curve.PRICE
    d_pico, w_e8 = variable.display(
        _config_of(given), price, parse_fixed(given["F"], 12), parse_fixed(given["volume"], 6)
    )
    # the engine shows the weight with eight decimals, the cases with six
    return {"w": round(Fraction(w_e8, RATE), SHORT_PLACES), "D": Fraction(d_pico, PICO)}


def _vesting_case(given: Json) -> Mapping[str, object]:
    pairs = [pair.split(":") for pair in given["schedule"].split(",")]
    config = variable.Config.parse({"vesting": [[int(day), share] for day, share in pairs]})
    days = range(int(pairs[-1][0]) + 1)
    seconds = vesting.DAY_S
    return {
        f"d{day}": Fraction(vesting.vested_fraction(config, day * seconds), RATE) for day in days
    }
