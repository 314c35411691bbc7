"""Random parameters and random messages of outcome markets, as hypothesis strategies."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from exchange.engines import outcome
from exchange.engines.outcome.parameters import Value
from tests.engine.outcome.scene import CENT, PEOPLE, Scene

DURATION_MS = 60_000

WHO = st.sampled_from(PEOPLE)
SIDES = st.sampled_from([outcome.BUY, outcome.SELL])
BIG = st.sampled_from([1, 10, 37, 100, 250, 900, 3_000])
# cents and hundredths together reach odd lots too
TOKENS = st.builds(lambda big, odd: big + odd / 100, BIG, st.sampled_from([0, 1, 50, 99]))
# cents away from the published price
TICKS = ["0.01", "0.01", "0.0001", "0.002", "0.05", "0.1"]
OFFSETS = st.one_of(st.integers(-3, 3), st.integers(-12, 12), st.integers(-99, 99))
SLIPPAGES = st.sampled_from([None, None, 0, 5 * 10**7, 10**9])


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Value]:
    """Draw parameters over their whole ranges, the middle of each more often."""
    count = draw(st.one_of(st.integers(3, 6), st.integers(3, 10)))
    fund = draw(st.sampled_from([100, 3_000, 10_000, 1_000_000]))
    highest = 10**9 // (count - 1) - 1
    zetas = st.one_of(st.just(10**8), st.integers(1, highest))
    cap = draw(st.sampled_from(["0.6", "0.9", "0.99", "0.999999999999"]))
    fair = 10**9 // count
    launch = draw(st.sampled_from([5 * 10**8, fair, fair // 2]))
    own = st.lists(st.integers(10**7, 6 * 10**8), min_size=count, max_size=count)
    unequal = draw(st.one_of(st.none(), own))
    moving = st.sampled_from(["0.000000001", "0.5", "1", "2", "10"])
    kappas = st.sampled_from(["0", "0.00001", "0.001"])
    return {
        "n_outcomes": str(count),
        "z": str(fund),
        "q0": draw(st.sampled_from([None, str(max(1, fund // (10 * count)))])),
        "initial_price": [outcome_text(e9) for e9 in unequal] if unequal else outcome_text(launch),
        "tick_size": draw(st.sampled_from(TICKS)),
        "gamma": draw(st.sampled_from(["0", "0.0001", "0.2", "0.5"])),
        **{f"mu_{end}": draw(moving) for end in ("start", "end")},
        **{f"nu_{end}": draw(moving) for end in ("start", "end")},
        **{f"kappa_{end}": draw(kappas) for end in ("start", "end")},
        **{f"zeta_{end}": outcome_text(min(highest, draw(zetas))) for end in ("start", "end")},
        "interpolation_mode": draw(st.sampled_from(["continue", "reset"])),
        "f": draw(st.sampled_from(["0", "0.01", "0.05"])),
        "f_match": draw(st.sampled_from(["0", "0.005", "0.02"])),
        "p_max": cap,
        "p_min": draw(st.sampled_from(["0.01", "0.2", "0.499999999999"])),
        "eta": draw(st.sampled_from(["1", "1.5", "2", "10"])),
        "sigma": draw(st.sampled_from(["0", "0.5", "1"])),
        "af_cap_frac": draw(st.sampled_from(["0", "0.1", "0.2"])),
        "af_max_pools": draw(st.sampled_from(["1", "3", "5"])),
        "af_max_surplus": draw(st.sampled_from(["0.000000001", "0.05", "1"])),
        "cm_enabled": draw(st.booleans()),
        "vc_enabled": draw(st.booleans()),
        "mr_enabled": True,
        "rounds": [["20000", "1000", []]] if count > 3 else [],
        "gas_fee": draw(st.sampled_from(["0", "0.25"])),
        "allow_above_par": draw(st.booleans()),
        "total_duration_ms": str(DURATION_MS),
    }


def outcome_text(e9: int) -> str:
    """Return a rate as text."""
    return f"0.{e9:09d}"


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a message; ranks are read modulo what there is to choose from."""
    limit = draw(st.booleans())
    return {
        "kind": draw(st.sampled_from(["buy", "buy", "buy", "sell", "sell", "cancel"])),
        "rank": draw(st.integers(0, 11)),
        "trader": draw(WHO),
        "tokens": draw(TOKENS),
        "offset": draw(OFFSETS) if limit else None,
        "auto_fill": draw(st.booleans()),
        "max_slippage_e9": None if limit else draw(SLIPPAGES),
        "whole": draw(st.booleans()),
    }


def command_of(scene: Scene, draft: dict[str, Any]) -> outcome.Command:
    """Return the message that a draft describes in the market as it is."""
    resting = sorted(scene.frontier.orders)
    if draft["kind"] == "cancel" and resting:
        ref = resting[draft["rank"] % len(resting)]
        seq = scene.next_seq()
        owner = scene.frontier.orders[ref].trader
        return outcome.CancelOrder(seq=seq, trader=owner, ts_ms=seq, ref=ref)
    trader, tokens = draft["trader"], draft["tokens"]
    held = scene.frontier.traders[trader].held_micro
    having = [token for token, amount in enumerate(held) if amount]
    sells = draft["kind"] == "sell" and bool(having)
    choice = having if sells else range(2 * scene.config.n_outcomes)
    token = choice[draft["rank"] % len(choice)]
    if sells and (draft["whole"] or held[token] < tokens * 10**6):
        tokens = held[token] / 10**6
    order: outcome.PlaceOrder = scene.order(
        trader,
        outcome.SELL if sells else outcome.BUY,
        token,
        tokens,
        auto_fill=draft["auto_fill"],
        max_slippage_e9=draft["max_slippage_e9"],
    )
    if draft["offset"] is None:
        return order
    return replace(order, price_micro=_limit(scene, token, draft["offset"]))


def _limit(scene: Scene, token: int, cents: int) -> int:
    """Return the grid's price that lies so many cents, or steps if those are wider, from here."""
    row, tick = scene.state.outcomes[token >> 1], scene.config.tick_micro
    shown = row.no_pico if token & 1 else row.yes_pico
    steps = cents * max(1, CENT // tick)
    return min(10**6 - tick, max(tick, (shown // 10**6 // tick + steps) * tick))
