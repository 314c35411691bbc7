"""Scenarios of shorts: escrow and margins, collateral, and orders that change sides."""

from exchange.engines import variable
from exchange.engines.rounding import div_ceil
from exchange.engines.units import RATE
from tests.docs.figures import NOTHING, change, price, shares, table, usdc
from tests.docs.stage import attempt, gained, market, news
from tests.engine.scene import ALICE, BOB, SHARE, USDC, Scene, filled, rejected

# a price of 1e-27 times nano shares is 1e-36 USDC
MICRO_OF_VALUE = 10**30


def short() -> str:
    """A short from its opening to its end, with the margins that it has to meet."""
    scene = market()
    rows = []
    opened = filled(scene.sell(BOB, 20 * SHARE))
    rows.append(_short("sells 20 shares", scene))
    scene.do(variable.AddCollateral, trader=BOB, amount_micro=50 * USDC)
    rows.append(_short("adds 50 of collateral", scene))
    asked = attempt(scene, variable.RemoveCollateral, trader=BOB, amount_micro=150 * USDC)
    most = rejected(asked, "margin_low")["amount_max_micro"]
    scene.do(variable.RemoveCollateral, trader=BOB, amount_micro=most)
    rows.append(_short(f"takes out {usdc(most)}, all he may", scene))
    news(scene, "-0.2")
    rows.append(_short("news takes the price down", scene))
    scene.buy(BOB, shares_nano=10 * SHARE)
    rows.append(_short("covers 10 shares", scene))
    scene.buy(BOB, shares_nano=10 * SHARE)
    rows.append(_short("covers the rest", scene))
    head = ("Bob", "M", "p_req", "his cash", "escrow", "initial margin", "maintenance", "short")
    value, fee, margin = opened.value_micro, opened.fee_micro, opened.margin_micro
    assert value + margin == 399 * USDC
    parts = table(
        ("the opening", "USDC"),
        [
            ("proceeds, from the pool to the escrow", usdc(value)),
            ("margin, from Bob to the escrow", usdc(margin)),
            ("base fee, from Bob", usdc(fee)),
        ],
    )
    return f"{parts}\n\n{table(head, rows)}"


def _short(step: str, scene: Scene) -> tuple[str, ...]:
    bob, config = scene.traders[BOB], scene.config
    return (
        step,
        price(scene.state.market_pico),
        price(scene.state.close_out_pico),
        change(gained(scene, BOB)),
        usdc(bob.escrow_micro),
        *(usdc(margin_of(scene, BOB, rate)) for rate in (config.im_e8, config.mm_e8)),
        shares(-bob.shares_nano),
    )


def margin_of(scene: Scene, trader: int, rate_e8: int) -> int:
    """Return what the escrow of a short must hold at one of the two margins, rounded up."""
    held = max(0, -scene.traders[trader].shares_nano)
    owed = (RATE + rate_e8) * held * scene.state.close_out_exact
    return div_ceil(owed, RATE * MICRO_OF_VALUE)


def flip() -> str:
    """One sale closes a long and opens a short; one purchase turns it back."""
    scene = market()
    scene.buy(ALICE, shares_nano=10 * SHARE)
    sold, then = filled(scene.sell(ALICE, 25 * SHARE)), scene.traders[ALICE]
    bought, last = filled(scene.buy(ALICE, 200 * USDC)), scene.traders[ALICE]
    rows = [
        *[_leg("sells 25 shares", leg) for leg in sold.legs],
        _holds(then),
        *[_leg("buys for 200 USDC", leg) for leg in bought.legs],
        _holds(last),
    ]
    head = ("Alice, long 10", "leg", "shares", "value", "base fee", "realised before fees")
    return table((*head, "escrow"), rows)


def _leg(order: str, leg: variable.Fill) -> tuple[str, ...]:
    return (
        order,
        f"`{leg.leg}`",
        shares(leg.shares_nano),
        usdc(leg.value_micro),
        usdc(leg.fee_micro),
        change(leg.realised_micro),
        change(leg.escrow_micro),
    )


def _holds(trader: variable.Trader) -> tuple[str, ...]:
    held = shares(trader.shares_nano)
    return ("holds", NOTHING, held, NOTHING, NOTHING, NOTHING, usdc(trader.escrow_micro))


SCENARIOS = (short, flip)
