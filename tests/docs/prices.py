"""Scenarios of the curve, the three prices, buying, selling and fees."""

from exchange.engines import variable
from tests.docs.figures import change, percent, price, shares, slope, table, usdc
from tests.docs.stage import INTERVAL_S, gained, later, market, news
from tests.engine.scene import ALICE, BOB, SHARE, USDC, Scene, filled


def the_market() -> str:
    """Ten thousand USDC of Pat's, and every parameter at its default."""
    state = market().state
    return table(
        ("figure", "at activation"),
        [
            ("pool", usdc(state.pool_micro)),
            ("P0, F and M", price(state.p0_pico)),
            ("k", slope(state.k_atto)),
            ("shares outstanding, S", shares(state.supply_nano)),
            ("providers' equity, E", usdc(state.equity_micro)),
        ],
    )


def the_curve() -> str:
    """Forty shares cost the same in one piece as in two."""
    pieces, whole = market(), market()
    steps = [
        ("20 shares", filled(pieces.buy(ALICE, shares_nano=20 * SHARE))),
        ("20 more", filled(pieces.buy(ALICE, shares_nano=20 * SHARE))),
        ("40 at once", filled(whole.buy(BOB, shares_nano=40 * SHARE))),
    ]
    assert pieces.state.market_pico == whole.state.market_pico
    rows = [
        (
            name,
            price(fill.market_before_pico),
            usdc(fill.value_micro),
            price(fill.price_pico),
            price(fill.market_pico),
        )
        for name, fill in steps
    ]
    return table(("bought", "M before", "value along the curve", "per share", "M after"), rows)


def three_prices() -> str:
    """The quote answers a size; F stays; the headline follows the volume and lets it go again."""
    scene = market()
    rows = [_prices("nothing has been traded", scene)]
    scene.buy(ALICE, shares_nano=20 * SHARE)
    rows.append(_prices("Alice has bought 20 shares", scene))
    later(scene, scene.config.vol_window_s)
    rows.append(_prices("five minutes later", scene))
    head = ("when", "ten shares: you pay", "M", "oracle view F", "volume", "weight of M")
    return table((*head, "headline D"), rows)


def _prices(when: str, scene: Scene) -> tuple[str, ...]:
    if not scene.state.window:
        scene.beat()
    wish = variable.Buy(seq=0, trader=BOB, shares_nano=10 * SHARE)
    asked = variable.quote(scene.config, scene.state, scene.traders[BOB], wish, scene.now_s)
    tick = scene.last.tick
    return (
        when,
        usdc(filled(asked.results[0]).net_micro),
        price(tick.market_pico),
        price(tick.fundamental_pico),
        usdc(tick.volume_micro),
        percent(tick.weight_e8),
        price(tick.display_pico),
    )


def round_trip() -> str:
    """Buying and selling at once, in either order and at any size, costs the fees and the dust."""
    rows = []
    for size in (20 * SHARE, SHARE // 3):
        scene = market()
        there, back = scene.buy(ALICE, shares_nano=size), scene.sell(ALICE, size)
        rows.append(_trip(f"buys and sells {shares(size)}", there, back, scene))
        scene = market()
        there, back = scene.sell(ALICE, size), scene.buy(ALICE, shares_nano=size)
        rows.append(_trip(f"sells and buys {shares(size)}", there, back, scene))
    head = ("Alice", "value there", "value back", "fees", "her cash", "dust to the pool")
    return table(head, rows)


def _trip(
    what: str, there: variable.Result, back: variable.Result, scene: Scene
) -> tuple[str, ...]:
    one, two = filled(there), filled(back)
    fees = one.fee_micro + two.fee_micro
    profit = gained(scene, ALICE)
    assert profit < 0
    return (
        what,
        usdc(one.value_micro),
        usdc(two.value_micro),
        usdc(fees),
        change(profit),
        usdc(scene.state.pool_micro - market().state.pool_micro),
    )


def fees() -> str:
    """Who gets what of a trade, and when opening costs more."""
    fresh = market()
    late = Scene.of(fresh)
    late.now_s = 3 * INTERVAL_S
    ahead = Scene.of(fresh)
    ahead.buy(BOB, shares_nano=10 * SHARE)
    news(ahead, "0.03")
    rows = [
        _paid("opens a long, oracle fresh", fresh, filled(_of(fresh).buy(ALICE, 100 * USDC))),
        _paid("… oracle overdue by 20 minutes", late, filled(_of(late).buy(ALICE, 100 * USDC))),
        _paid("… F lags behind a higher T", ahead, filled(_of(ahead).buy(ALICE, 100 * USDC))),
        _paid("opens a short then", ahead, filled(_of(ahead).sell(ALICE, 10 * SHARE))),
        _paid("closes a long then", ahead, filled(_of(ahead).sell(BOB, 10 * SHARE))),
    ]
    head = ("the trade", "F", "T", "value", "base fee", "to providers", "to treasury")
    return table((*head, "surcharge, to the pool"), rows)


_of = Scene.of


def _paid(what: str, scene: Scene, fill: variable.Filled) -> tuple[str, ...]:
    leg = fill.legs[0]
    return (
        what,
        price(scene.state.f_pico),
        price(scene.state.target_pico),
        usdc(leg.value_micro),
        usdc(leg.fee_micro),
        usdc(leg.lp_fee_micro),
        usdc(leg.fee_micro - leg.lp_fee_micro),
        usdc(leg.surcharge_micro),
    )


SCENARIOS = (the_market, the_curve, three_prices, round_trip, fees)
