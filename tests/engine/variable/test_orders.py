from exchange.engines import variable
from tests.engine.scene import (
    ALICE,
    BOB,
    CHARLIE,
    DOLLAR,
    PLENTY,
    SHARE,
    USDC,
    Scene,
    applied,
    filled,
    rejected,
)


def limit(scene: Scene, trader: int, intent: str, price: int, **wishes: int) -> variable.Result:
    wishes = {"shares_nano": 30 * SHARE, **wishes}
    return scene.do(variable.PlaceLimit, trader=trader, intent=intent, price_pico=price, **wishes)


def test_a_limit_order_sets_its_most_aside_and_gives_it_back() -> None:
    scene = Scene.active()

    placed = applied(limit(scene, ALICE, "open_long", 9 * DOLLAR), "limit")

    assert placed["reserved_micro"] == 284_210_527
    assert scene.traders[ALICE].cash_micro == PLENTY - 284_210_527
    rejected(scene.do(variable.Cancel, trader=CHARLIE, ref=placed["id"]), "nothing")
    applied(scene.do(variable.Cancel, trader=ALICE, ref=placed["id"]), "cancel")
    assert scene.traders[ALICE].cash_micro == PLENTY
    rejected(scene.do(variable.Cancel, trader=ALICE, ref=placed["id"]), "nothing")


def test_a_marketable_limit_fills_at_once_down_to_its_price() -> None:
    scene = Scene.active()

    limit(scene, ALICE, "open_long", 10 * DOLLAR + 50 * 10**9)

    assert scene.traders[ALICE].shares_nano == 20 * SHARE
    assert scene.state.market_pico == 10 * DOLLAR + 50 * 10**9
    assert len(scene.items) == 1


def test_an_order_to_open_a_short_needs_a_margin() -> None:
    scene = Scene.active()

    rejected(limit(scene, ALICE, "open_short", 11 * DOLLAR), "args")
    applied(limit(scene, ALICE, "open_short", 11 * DOLLAR, margin_micro=400 * USDC), "limit")


def test_an_order_to_close_needs_the_position() -> None:
    scene = Scene.active()

    rejected(limit(scene, ALICE, "close_long", 11 * DOLLAR), "no_position")


def test_a_stop_fires_when_the_news_takes_the_price_there() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=10 * SHARE)
    scene.do(variable.SetTargets, trader=ALICE, stop_pico=9_900_000_000_000)

    scene.now_s = 600
    scene.oracle("-0.2", "-0.2", "-0.2")

    assert scene.traders[ALICE].shares_nano == 0
    assert scene.traders[ALICE].stop_pico is None
    assert [fill.cause for fill in scene.last.fills] == ["stop"]


def test_targets_must_lie_on_their_side() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=10 * SHARE)

    rejected(scene.do(variable.SetTargets, trader=ALICE, stop_pico=11 * DOLLAR), "sl_side")
    rejected(scene.do(variable.SetTargets, trader=ALICE, target_pico=10 * DOLLAR), "tp_side")
    rejected(scene.do(variable.SetTargets, trader=BOB, target_pico=9 * DOLLAR), "no_position")


def test_a_commit_waits_for_the_oracle_and_expires() -> None:
    scene = Scene.active()

    result = filled(scene.buy(ALICE, 800 * USDC, commit=True))

    assert result.committed is not None
    assert scene.traders[ALICE].reserved_micro == 800 * USDC
    fresh = Scene.of(scene)
    fresh.now_s = 600
    fresh.oracle("0", "0", "0")
    assert fresh.traders[ALICE].shares_nano > 0
    assert fresh.traders[ALICE].reserved_micro == 0
    scene.now_s = 1801
    scene.beat()
    assert scene.traders[ALICE].cash_micro == PLENTY
    assert scene.last.resting[result.committed].status == "expired"


def test_a_timed_exit_ends_with_its_position() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=10 * SHARE)
    wishes = {"trader": ALICE, "shares_nano": 9 * SHARE, "chunks": 3, "interval_s": 600}
    applied(scene.do(variable.StartExit, **wishes), "timed_exit")

    rejected(scene.do(variable.StartExit, **wishes), "exists")
    scene.sell(ALICE, 10 * SHARE)

    assert not scene.items
    assert scene.traders[ALICE].exit_id == 0
