from typing import Any

import pytest

from exchange.engines import outcome
from tests.engine.outcome.scene import ALICE, BOB, CENT, CHARLIE, NO, TOKEN, USDC, YES, Scene

BUY, SELL = outcome.BUY, outcome.SELL


def _refused(scene: Scene, command: outcome.Command, gas: int = 0) -> outcome.Rejected:
    """Apply a command that must be refused; nothing but gas may have happened."""
    state, traders = scene.state, dict(scene.frontier.traders)
    orders = dict(scene.frontier.orders)
    (result,) = scene.apply(command)
    assert isinstance(result, outcome.Rejected)
    assert (scene.last.fills, scene.last.orders, scene.frontier.orders) == ((), {}, orders)
    assert {p.kind for p in scene.last.postings} == ({"cash", "gas"} if gas else set())
    assert scene.state.pool_micro == state.pool_micro
    assert scene.state.outcomes == state.outcomes
    for key, trader in scene.frontier.traders.items():
        assert trader.held_micro == traders[key].held_micro
        assert trader.locked_micro == traders[key].locked_micro
        assert trader.cash_micro in {traders[key].cash_micro, traders[key].cash_micro - gas}
    return result


@pytest.mark.parametrize(
    ("code", "trader", "side", "token", "tokens", "more"),
    [
        ("bad_size", ALICE, BUY, 0, 0, {}),
        ("bad_size", ALICE, BUY, 0, -1, {}),
        ("bad_size", ALICE, BUY, 0, 0.005, {}),
        ("bad_size", ALICE, BUY, 0, 10_000_000.01, {}),
        ("bad_price", ALICE, BUY, 0, 1, {"price": 0}),
        ("bad_price", ALICE, BUY, 0, 1, {"price": 100}),
        ("bad_price", ALICE, BUY, 0, 1, {"price": 0.5}),
        ("inactive_outcome", ALICE, BUY, 6, 1, {}),
        ("inactive_outcome", ALICE, BUY, -2, 1, {}),
        ("insufficient_funds", ALICE, BUY, 0, 200_000, {"price": 50}),
        ("insufficient_tokens", ALICE, SELL, 0, 1, {}),
        ("insufficient_tokens", ALICE, SELL, 0, 1, {"price": 50}),
        ("above_par", ALICE, BUY, 0, 9_000, {}),
        ("slippage", ALICE, BUY, 0, 600, {"max_slippage_e9": 5 * 10**7}),
    ],
)
def test_refuses_and_nothing_happens(  # noqa: PLR0917 (a table)
    code: str, trader: int, side: str, token: int, tokens: float, more: dict[str, Any]
) -> None:
    scene = Scene()
    price = more.get("price")
    command = scene.order(trader, side, token, tokens, **{**more, "price": None})
    if price is not None:
        command = outcome.PlaceOrder(**{**_fields(command), "price_micro": round(price * CENT)})

    assert _refused(scene, command).code == code


def _fields(command: outcome.PlaceOrder) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__slots__}


def test_the_whole_launch_fund_cannot_be_spent_twice() -> None:
    scene = Scene(cash=50)

    result = _refused(scene, scene.order(ALICE, BUY, 0, 100))

    assert result.code == "insufficient_funds"
    assert result.fields["cash_micro"] == 50_000_000
    assert result.fields["needed_micro"] == 51_799_048


def test_a_reject_after_matching_undoes_the_match_and_the_pairs() -> None:
    scene = Scene({"kappa_start": "0"})
    scene.buy(BOB, YES, 100, price=49)
    assert scene.frontier.orders

    # the mint at 0.51 is taken first, then the block of the market maker breaks the limit
    command = scene.order(ALICE, BUY, NO, 2_000, max_slippage_e9=5 * 10**7)

    assert _refused(scene, command).code == "slippage"
    assert scene.buy(ALICE, NO, 100, price=51).order.status == outcome.FILLED


def test_trading_is_frozen_between_an_elimination_and_its_resume_and_after_the_end() -> None:
    scene = Scene({"n_outcomes": "4", "mr_enabled": True})
    scene.at_ms = 1_000
    scene.eliminate([3], 2_000)

    scene.at_ms = 1_999
    assert _refused(scene, scene.order(ALICE, BUY, 0, 1)).code == "frozen"
    scene.at_ms = 2_000
    assert scene.buy(ALICE, 0, 1).order.status == outcome.FILLED
    assert _refused(scene, scene.order(ALICE, BUY, 6, 1)).code == "inactive_outcome"
    scene.resolve(0)
    assert _refused(scene, scene.order(ALICE, BUY, 0, 1)).code == "frozen"


def test_gas_is_paid_even_by_the_refused_and_by_the_poor_as_far_as_it_goes() -> None:
    scene = Scene({"gas_fee": "30", "starting_balance": "50"}, cash=50)

    first = _refused(scene, scene.order(ALICE, SELL, 0, 1), gas=30 * USDC)
    second = _refused(scene, scene.order(ALICE, BUY, 0, 1), gas=20 * USDC)

    assert (first.code, first.fields["gas_micro"]) == ("insufficient_tokens", 30 * USDC)
    assert (second.code, second.fields["gas_micro"]) == ("insufficient_funds", 20 * USDC)
    assert (scene.cash(ALICE), scene.state.gas_micro) == (0, 50 * USDC)


def test_a_sale_that_nobody_takes_is_refused() -> None:
    """Alice's token is one of a pair, and its complement costs more than 1 USDC."""
    scene = Scene({"kappa_start": "0.05", "cm_enabled": True})
    scene.hand_pairs(0, 100)
    assert scene.held(ALICE, YES) == 100 * TOKEN

    kept = scene.sell(ALICE, YES, 100).order

    # what the convexity charge leaves is sold, the rest stays
    assert (kept.status, kept.joined) == (outcome.PARTIAL, 0)
    assert scene.held(ALICE, YES) == kept.remaining_micro > 0


def test_no_liquidity_when_not_one_lot_can_be_sold() -> None:
    scene = Scene({"mu_start": "1", "nu_start": "1", "kappa_start": "99"})
    scene.hand_pairs(0, 100)

    assert _refused(scene, scene.order(ALICE, SELL, YES, 100)).code == "no_liquidity"


@pytest.mark.parametrize("default", [None, "0.05"])
def test_slippage_counts_from_the_published_price(default: str | None) -> None:
    own = None if default else 5 * 10**7
    scene = Scene({"kappa_start": "0", "default_max_slippage": default})

    assert scene.buy(ALICE, YES, 150, max_slippage_e9=own).order.status == outcome.FILLED
    assert _refused(scene, scene.order(BOB, BUY, YES, 600, max_slippage_e9=own)).code == "slippage"


def _bound(shown_pico: int, amount_micro: int, tokens: int) -> int:
    """Return the least bound that a sale for an amount keeps, in 1e-9."""
    return -((amount_micro * 10**15) // (shown_pico * tokens) - 10**9)


def test_a_sale_may_fall_by_its_bound_and_no_further() -> None:
    def sale(most: int) -> tuple[Scene, outcome.PlaceOrder]:
        scene = Scene({"kappa_start": "0"})
        scene.buy(ALICE, YES, 1_000)
        return scene, scene.order(ALICE, SELL, YES, 800, max_slippage_e9=most)

    scene, command = sale(10**9)
    shown = scene.state.outcomes[0].yes_pico
    (free,) = scene.apply(command)
    assert isinstance(free, outcome.Placed)
    least = _bound(shown, free.order.amount_micro, 800)
    assert 0 < least < 10**9

    scene, command = sale(least)
    assert isinstance(scene.apply(command)[0], outcome.Placed)
    assert _refused(*sale(least - 1)).code == "slippage"


def test_slippage_counts_from_the_price_that_an_elimination_published() -> None:
    scene = Scene({"n_outcomes": "4", "mr_enabled": True, "kappa_start": "0", "vc_enabled": True})
    scene.buy(BOB, 2 * 3, 2_000)
    scene.buy(ALICE, YES, 1_000)
    before = scene.state.outcomes[0].yes_pico
    scene.eliminate([3], 0)
    after = scene.state.outcomes[0].yes_pico
    assert before != after

    command = scene.order(BOB, BUY, YES, 1, max_slippage_e9=10**7)
    (done,) = scene.apply(command)
    assert isinstance(done, outcome.Placed)
    average = done.order.amount_micro * 10**6
    assert abs(average - after) * 100 <= after
    assert abs(average - before) * 100 > before


def test_only_the_owner_cancels_and_only_once() -> None:
    scene = Scene()
    placed = scene.buy(ALICE, YES, 100, price=45).order
    assert scene.cash(ALICE) == 100_000 * USDC - 45_450_000

    assert scene.cancel(CHARLIE, placed.id).code == "nothing"
    assert scene.cancel(ALICE, placed.id).returned_micro == 45_450_000
    assert scene.cancel(ALICE, placed.id).code == "nothing"
    assert scene.cancel(ALICE, 999).code == "nothing"
    assert scene.cash(ALICE) == 100_000 * USDC
    assert scene.frontier.orders == {}


def test_a_cancelled_sale_gives_the_tokens_back() -> None:
    scene = Scene()
    scene.buy(ALICE, YES, 10)
    placed = scene.sell(ALICE, YES, 10, price=90).order
    assert (scene.held(ALICE, YES), placed.status) == (0, outcome.OPEN)

    cancelled = scene.cancel(ALICE, placed.id)

    assert (cancelled.order.status, cancelled.returned_micro) == (outcome.CANCELLED, 0)
    assert scene.held(ALICE, YES) == 10 * TOKEN


def test_an_order_can_be_cancelled_in_the_batch_it_came_in() -> None:
    scene = Scene()
    order = scene.order(ALICE, BUY, YES, 10, price=40)
    cancel = outcome.CancelOrder(seq=scene.next_seq(), trader=ALICE, ts_ms=99, ref=order.seq)

    placed, cancelled = scene.apply(order, cancel)

    assert isinstance(placed, outcome.Placed)
    assert placed.order.status == outcome.CANCELLED
    assert isinstance(cancelled, outcome.Cancelled)


def test_messages_are_processed_by_their_times_not_by_their_arrival() -> None:
    scene = Scene()
    late = scene.order(ALICE, BUY, YES, 100)
    early = outcome.PlaceOrder(**{**_fields(late), "trader": BOB, "seq": 77, "ts_ms": 0})

    second, first = scene.apply(late, early)

    assert isinstance(first, outcome.Placed)
    assert isinstance(second, outcome.Placed)
    assert first.order.amount_micro < second.order.amount_micro
    assert [fill.buyer for fill in scene.last.fills] == [BOB, ALICE]


def test_a_quote_keeps_nothing() -> None:
    scene = Scene()
    trader = scene.frontier.traders[ALICE]
    order = scene.order(ALICE, BUY, YES, 100)

    done = outcome.quote(scene.config, scene.state, trader, order, 5, frontier=scene.frontier)

    (result,) = done.results
    assert isinstance(result, outcome.Placed)
    assert result.order.amount_micro == 51_286_186
    assert scene.frontier.traders[ALICE] == trader
    assert scene.buy(ALICE, YES, 100).order.amount_micro == 51_286_186
