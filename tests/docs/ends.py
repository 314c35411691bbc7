"""Scenarios of wind-down, recalibration, refusals that help, and the rules that halt."""

from typing import Any

from exchange.engines import variable
from exchange.services import breaker
from tests.docs.figures import change, price, shares, slope, table, usdc, worth
from tests.docs.stage import attempt, gained, market, news
from tests.engine.scene import (
    ALICE,
    BOB,
    CHARLIE,
    DOLLAR,
    PAT,
    SHARE,
    USDC,
    Scene,
    applied,
    filled,
    rejected,
)

NOTICE_S = 86_400


def wind_down() -> str:
    """A market ends: orders return, opens stop, and one price closes what is left."""
    scene = market()
    scene.buy(ALICE, shares_nano=30 * SHARE)
    scene.sell(BOB, 10 * SHARE)
    wish = {"intent": "open_long", "shares_nano": 5 * SHARE, "price_pico": 9 * DOLLAR}
    scene.do(variable.PlaceLimit, trader=CHARLIE, **wish)
    news(scene, "0.1")
    rows = [_ending("trading", scene)]
    scene.do(variable.WindDown, settle_at_s=scene.now_s + NOTICE_S)
    rows.append(_ending("wind-down begins", scene))
    rejected(attempt(scene, variable.Settle), "not_expired")
    rejected(attempt(scene, variable.Buy, trader=CHARLIE, amount_micro=10 * USDC), "closed_only")
    scene.now_s += NOTICE_S
    scene.beat()
    rows.append(_ending("a day later", scene))
    settled = applied(scene.do(variable.Settle), "settle")
    rows.append(_ending(f"settled at {price(settled['price_pico'])}", scene))
    scene.do(variable.WithdrawNow, trader=PAT, units_nano=scene.providers[PAT].units_nano)
    rows.append(_ending("Pat withdraws everything", scene))
    head = ("step", "F", "p_req", "pool", "Charlie's reserve")
    return table((*head, "Alice's cash", "Bob's cash", "Bob's escrow", "Pat's cash"), rows)


def _ending(step: str, scene: Scene) -> tuple[str, ...]:
    state = scene.state
    return (
        step,
        price(state.f_pico),
        price(state.close_out_pico),
        usdc(state.pool_micro),
        usdc(scene.traders[CHARLIE].reserved_micro),
        change(gained(scene, ALICE)),
        change(gained(scene, BOB)),
        usdc(scene.traders[BOB].escrow_micro),
        change(gained(scene, PAT)),
    )


def recalibration() -> str:
    """The pool no longer fits the price, so the curve turns: by a tenth of its slope at most."""
    scene = market()
    scene.buy(ALICE, shares_nano=40 * SHARE)
    news(scene, "0.3")
    rows = [_slope("Alice is long 40, F at 10.50", scene)]
    goal = variable.daily_slope(scene.config, scene.state)
    applied(scene.do(variable.Recalibrate, k_atto=goal), "recalibrate")
    rows.append(_slope("the day's recalibration", scene))
    return table(("step", "k", "P0", "M", "equity, E"), rows)


def _slope(step: str, scene: Scene) -> tuple[str, ...]:
    state = scene.state
    prices = price(state.p0_pico), price(state.market_pico)
    return (step, slope(state.k_atto), *prices, usdc(state.equity_micro))


def refusals() -> str:
    """Each size was refused; the named one passes, and one quantum more does not."""
    plain, bare, short = market(), market(band=None), market()
    short.sell(CHARLIE, 20 * SHARE)
    rows = [
        _refused("buy 800 USDC", plain, variable.Buy, "amount_micro", 800 * USDC),
        _refused("buy 90 shares", plain, variable.Buy, "shares_nano", 90 * SHARE),
        _refused("sell 60 shares short", plain, variable.Sell, "shares_nano", 60 * SHARE),
        _refused("buy 500 shares, no band", bare, variable.Buy, "shares_nano", 500 * SHARE),
        _refused("take out 99 USDC", short, variable.RemoveCollateral, "amount_micro", 99 * USDC),
    ]
    return table(("asked", "refused by", "largest that passes", "a quantum more"), rows)


MOST = {"shares_nano": ("shares_max_nano", shares), "amount_micro": ("amount_max_micro", usdc)}


def _refused(
    what: str, scene: Scene, kind: type[variable.Command], size: str, asked: int
) -> tuple[str, ...]:
    who: dict[str, Any] = {"trader": CHARLIE}
    refusal = attempt(scene, kind, **who, **{size: asked})
    assert isinstance(refusal, variable.Rejected)
    name, written = MOST[size]
    most = int(refusal.fields[name])
    passes = attempt(scene, kind, **who, **{size: most})
    assert not isinstance(passes, variable.Rejected), passes
    over = attempt(scene, kind, **who, **{size: most + 1})
    assert isinstance(over, variable.Rejected)
    return what, f"`{refusal.code}`", written(most), f"`{over.code}`"


def halts() -> str:
    """What stops by rule, what goes on meanwhile, and what ends it."""
    scene = market()
    scene.buy(ALICE, shares_nano=10 * SHARE)
    scene.now_s = scene.config.max_stale_s + 1
    silent = rejected(attempt(scene, variable.Buy, trader=BOB, amount_micro=USDC), "oracle_stale")
    filled(attempt(scene, variable.Sell, trader=ALICE, shares_nano=10 * SHARE))
    move = f"M moves {breaker.MOVE_PERCENT} % within {breaker.WINDOW_S} s"
    age = f"the oracle is {silent['age_s']} s old, the limit is {silent['age_max_s']} s"
    nav = worth(scene.config.nav_min_e8, 100_000)
    rows = [
        (age, "opens", "`oracle_stale`", "the next oracle event"),
        (move, "opens", "`closed_only`", f"{breaker.PAUSE_S} s later, by itself"),
        (
            "the curve owes a rise (`clamped`)",
            "deposits",
            "`impaired`",
            "room for the rise, or none owed",
        ),
        (f"E per unit is below {nav}", "deposits", "`impaired`", "E per unit above it"),
        ("wind-down", "opens", "`closed_only`", "never"),
        ("a promise of the engine is broken", "everything", "`market_halted`", "never by itself"),
    ]
    return table(("rule", "stops", "answer", "ends with"), rows)


SCENARIOS = (wind_down, recalibration, refusals, halts)
