"""Scenarios of what rests in a market: limit orders, stops, targets, timed exits, the loop."""

from typing import Any

from exchange.engines import variable
from tests.docs.figures import NOTHING, change, price, shares, table, usdc, yes
from tests.docs.stage import NAMES, gained, market, news
from tests.engine.scene import (
    ALICE,
    BOB,
    CHARLIE,
    DOLLAR,
    LOOSE,
    PAT,
    SHARE,
    USDC,
    Scene,
    applied,
    filled,
)

CENT = DOLLAR // 100


def limit() -> str:
    """A limit order fills down to its price, rests, fills again when the price comes back."""
    scene = market()
    wish = {"intent": "open_long", "shares_nano": 30 * SHARE, "price_pico": 10 * DOLLAR + 5 * CENT}
    order = applied(scene.do(variable.PlaceLimit, trader=ALICE, **wish), "limit")["id"]
    rows = [_resting("Alice bids for 30 shares at 10.05", scene, order)]
    filled(scene.sell(BOB, 8 * SHARE))
    rows.append(_resting("Bob sells 8 shares short", scene, order))
    scene.do(variable.Cancel, trader=ALICE, ref=order)
    rows.append(_resting("Alice cancels", scene, order))
    head = ("step", "filled at once after it", "M", "left", "reserved", "her cash", "her shares")
    return table(head, rows)


def _resting(step: str, scene: Scene, order: int) -> tuple[str, ...]:
    item, alice = scene.items.get(order), scene.traders[ALICE]
    left = shares(item.shares_nano) if isinstance(item, variable.LimitOrder) else NOTHING
    made = [fill for fill in scene.last.fills if fill.cause == "limit"]
    return (
        step,
        f"{shares(made[0].shares_nano)} for {usdc(made[0].value_micro)}" if made else NOTHING,
        price(scene.state.market_pico),
        left,
        usdc(alice.reserved_micro),
        change(gained(scene, ALICE)),
        shares(alice.shares_nano),
    )


def stop() -> str:
    """A sale alone cannot fire stops outside the band around the oracle's view; news can."""
    scene = market(**LOOSE, half_life="0")
    stops = {ALICE: 9 * DOLLAR + 92 * CENT, CHARLIE: 9 * DOLLAR + 85 * CENT}
    for trader, level in stops.items():
        scene.buy(trader, shares_nano=10 * SHARE)
        applied(scene.do(variable.SetTargets, trader=trader, stop_pico=level), "targets")
    rows = [_stops("both are long 10 shares", scene)]
    filled(scene.sell(BOB, 120 * SHARE))
    rows.append(_stops("Bob sells 120 shares", scene))
    news(scene, "-0.1")
    rows.append(_stops("news takes F down", scene))
    return table(("step", "M", "F", "P_trig", "Alice, stop at 9.92", "Charlie, stop at 9.85"), rows)


def _stops(step: str, scene: Scene) -> tuple[str, ...]:
    f, market_pico = scene.state.f_pico, scene.state.market_pico
    # a market without a band triggers at one per cent around F
    trigger = min(max(market_pico, f * 99 // 100), f * 101 // 100)
    fates = ("holds" if scene.traders[who].shares_nano else "closed" for who in (ALICE, CHARLIE))
    return (step, price(market_pico), price(f), price(trigger), *fates)


def take_profit() -> str:
    """A target is a limit order for the whole position: in parts, and never below its price."""
    scene = market(**LOOSE)
    scene.buy(ALICE, shares_nano=30 * SHARE)
    level = 10 * DOLLAR + 10 * CENT
    applied(scene.do(variable.SetTargets, trader=ALICE, target_pico=level), "targets")
    rows = [_target("Alice is long 30, target 10.10", scene)]
    for _ in range(2):
        scene.buy(BOB, shares_nano=20 * SHARE)
        rows.append(_target("Bob buys 20 shares", scene))
    return table(("step", "M after all", "closed", "for", "average price", "left"), rows)


def _target(step: str, scene: Scene) -> tuple[str, ...]:
    made = [fill for fill in scene.last.fills if fill.cause == "target"]
    closed = (NOTHING,) * 3
    if made:
        fill = made[0]
        closed = shares(fill.shares_nano), usdc(fill.value_micro), price(fill.price_pico)
    return (
        step,
        price(scene.state.market_pico),
        *closed,
        shares(scene.traders[ALICE].shares_nano),
    )


def timed_exit() -> str:
    """Thirty shares in three parts, one of which waits because the price is below the guard."""
    scene = market(half_life="0")
    scene.buy(ALICE, shares_nano=30 * SHARE)
    wishes: dict[str, Any] = {"shares_nano": 30 * SHARE, "chunks": 3, "interval_s": 600}
    applied(
        scene.do(variable.StartExit, trader=ALICE, guard_pico=10 * DOLLAR, **wishes), "timed_exit"
    )
    rows = []
    for minute in (0, 10, 20, 30):
        scene.now_s = minute * 60
        if minute == 10:
            filled(scene.sell(BOB, 30 * SHARE))
        if minute == 20:
            filled(scene.buy(BOB, shares_nano=30 * SHARE))
        before = scene.state.market_pico
        scene.beat()
        rows.append(_chunk(minute, before, scene))
    return table(("minute", "M before", "guard met", "closed", "for", "left"), rows)


def _chunk(minute: int, before: int, scene: Scene) -> tuple[str, ...]:
    closed = [fill for fill in scene.last.fills if fill.cause == "exit"]
    return (
        str(minute),
        price(before),
        yes(before >= 10 * DOLLAR),
        shares(closed[0].shares_nano) if closed else NOTHING,
        usdc(closed[0].value_micro) if closed else NOTHING,
        shares(scene.traders[ALICE].shares_nano),
    )


def loop() -> str:
    """One piece of news makes four things due; they are done in the order of the loop."""
    scene = market(beta="1", step_max="0.15", day_max="1", half_life="0")
    filled(scene.sell(CHARLIE, 20 * SHARE))
    filled(scene.sell(BOB, 5 * SHARE, extra_micro=100 * USDC))
    filled(scene.buy(ALICE, shares_nano=20 * SHARE))
    for _ in range(3):
        news(scene, "0.15")
    scene.do(variable.SetTargets, trader=BOB, stop_pico=16 * DOLLAR)
    scene.do(variable.SetTargets, trader=ALICE, target_pico=17 * DOLLAR)
    wish = {"intent": "open_short", "shares_nano": SHARE, "price_pico": 17 * DOLLAR}
    applied(scene.do(variable.PlaceLimit, trader=PAT, margin_micro=30 * USDC, **wish), "limit")
    news(scene, "0.15")
    rows = [
        (
            str(number),
            f"`{fill.cause}`",
            NAMES[fill.trader],
            f"`{fill.leg}`",
            shares(fill.shares_nano),
            price(fill.price_pico),
            price(fill.market_pico),
        )
        for number, fill in enumerate(scene.last.fills, 1)
    ]
    assert [fill.cause for fill in scene.last.fills] == ["margin", "stop", "target", "limit"]
    return table(("", "cause", "whose", "leg", "shares", "price per share", "M after"), rows)


SCENARIOS = (limit, stop, take_profit, timed_exit, loop)
