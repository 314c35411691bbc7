"""What rests and cannot fill costs a batch nothing, however much of it there is."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from exchange.engines import variable
from exchange.engines.variable import LimitOrder, MemoryFrontier, Resting, Trader
from exchange.engines.variable.frontier import Entry, Key
from tests.engine.scene import ALICE, BOB, CHARLIE, DOLLAR, PAT, SHARE, USDC, Scene

OWNERS = 1000  # the first of those who leave an order each


class CountingFrontier(MemoryFrontier):
    """Counts the rows that are read."""

    def __init__(
        self,
        traders: Iterable[Trader] = (),
        providers: Iterable[variable.Provider] = (),
        items: Iterable[Resting] = (),
    ) -> None:
        super().__init__(traders, providers, items)
        self.rows = 0

    def read(self, index: str, after: Key | None, count: int) -> Sequence[Entry]:
        entries = super().read(index, after, count)
        self.rows += len(entries)
        return entries

    def trader(self, key: int) -> Trader | None:
        self.rows += 1
        return super().trader(key)


def order(number: int, trader: int, intent: str, price: int, shares: int = SHARE) -> LimitOrder:
    return LimitOrder(id=number, trader=trader, intent=intent, shares_nano=shares, price_pico=price)


def rest(scene: Scene, orders: Iterable[LimitOrder], held: int = 0) -> None:
    """Put orders and their owners into a market."""
    orders = list(orders)
    escrow = USDC if held < 0 else 0
    owners = [
        Trader(id=o.trader, shares_nano=held, escrow_micro=escrow, position_id=o.trader)
        for o in orders
    ]
    scene.frontier.take(owners, (), orders)


def many(count: int, intent: str, price: int, shares: int = SHARE) -> list[LimitOrder]:
    return [order(OWNERS + n, OWNERS + n, intent, price, shares) for n in range(count)]


def shorts_who_would_buy(scene: Scene, count: int) -> None:
    rest(scene, many(count, "open_long", 11 * DOLLAR), held=-1)


def longs_who_would_sell(scene: Scene, count: int) -> None:
    rest(scene, many(count, "open_short", 9 * DOLLAR), held=1)


def flat_people_who_would_sell(scene: Scene, count: int) -> None:
    rest(scene, many(count, "close_long", 9 * DOLLAR))


def flat_people_who_would_cover(scene: Scene, count: int) -> None:
    rest(scene, many(count, "close_short", 11 * DOLLAR))


def one_who_changed_sides(scene: Scene, count: int) -> None:
    orders = [order(OWNERS + n, CHARLIE, "open_long", 11 * DOLLAR) for n in range(count)]
    scene.frontier.take((), (), orders)
    scene.sell(CHARLIE, SHARE)


def buyers_beyond_the_band(scene: Scene, count: int) -> None:
    scene.buy(BOB, shares_nano=39_950_000_000)  # leaves less room than the smallest leg takes
    rest(scene, many(count, "open_long", 11 * DOLLAR))


def sellers_beyond_the_band(scene: Scene, count: int) -> None:
    scene.sell(BOB, 39_950_000_000)
    rest(scene, many(count, "open_short", 9 * DOLLAR))


def buyers_at_the_price(scene: Scene, count: int) -> None:
    # no more than a quantum is left of the room that their price has
    rest(scene, many(count, "open_long", scene.state.market_pico + 1))


def sellers_without_a_margin(scene: Scene, count: int) -> None:
    rest(scene, many(count, "open_short", 9 * DOLLAR))


def buyers_without_an_oracle(scene: Scene, count: int) -> None:
    scene.now_s += 1801
    rest(scene, many(count, "open_long", 11 * DOLLAR))


Crowd = Callable[[Scene, int], None]


def rows_read(crowd: Crowd, count: int) -> int:
    """Return the rows that a batch reads beside a crowd, once a first batch has seen it."""
    scene = Scene.active()
    scene.buy(PAT, shares_nano=SHARE)
    scene.sell(ALICE, SHARE)
    crowd(scene, count)
    scene.beat()
    frontier = CountingFrontier(
        scene.traders.values(), scene.providers.values(), scene.items.values()
    )
    scene.frontier = frontier
    # both sides trade, but no more than the band has room for
    commands = [
        kind(seq=scene.next_seq(), trader=trader, shares_nano=1000)
        for kind, trader in ((variable.Sell, PAT), (variable.Buy, ALICE)) * 3
    ]
    results = scene.batch(*commands)
    assert all(isinstance(result, variable.Filled) for result in results)
    assert all(fill.trader in {PAT, ALICE} for fill in scene.last.fills)
    return frontier.rows


@pytest.mark.parametrize(
    "crowd",
    [
        shorts_who_would_buy,
        longs_who_would_sell,
        flat_people_who_would_sell,
        flat_people_who_would_cover,
        one_who_changed_sides,
        buyers_beyond_the_band,
        sellers_beyond_the_band,
        buyers_at_the_price,
        sellers_without_a_margin,
        buyers_without_an_oracle,
    ],
)
def test_a_batch_reads_no_more_beside_many_orders_that_cannot_fill(crowd: Crowd) -> None:
    few, many_more = rows_read(crowd, 10), rows_read(crowd, 2_000)

    assert few == many_more < 20


def test_a_parked_order_fills_once_its_owner_no_longer_holds_the_opposite() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 5 * SHARE)
    wishes = {"intent": "open_long", "shares_nano": 2 * SHARE, "price_pico": 11 * DOLLAR}
    scene.do(variable.PlaceLimit, trader=ALICE, **wishes)
    (waiting,) = scene.items.values()
    assert isinstance(waiting, LimitOrder)
    assert waiting.parked
    assert scene.traders[ALICE].parked

    scene.buy(ALICE, shares_nano=5 * SHARE)

    assert not scene.items
    assert scene.traders[ALICE].shares_nano == 2 * SHARE
    assert not scene.traders[ALICE].parked


def test_a_change_of_sides_frees_only_the_orders_that_it_lets_fill() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 5 * SHARE)
    intents = {"open_long": 11 * DOLLAR, "close_short": DOLLAR}
    for intent, price in intents.items():
        wishes = {"intent": intent, "shares_nano": SHARE, "price_pico": price}
        scene.do(variable.PlaceLimit, trader=ALICE, **wishes)
    scene.buy(ALICE, shares_nano=5 * SHARE)
    scene.buy(BOB, 200 * USDC)
    (cover,) = scene.items.values()
    assert isinstance(cover, LimitOrder)
    assert (cover.intent, cover.parked) == ("close_short", False)

    scene.frontier.take((), (), [order(cover.id, ALICE, "close_short", 11 * DOLLAR)])
    scene.beat()
    assert scene.traders[ALICE].parked
    scene.sell(ALICE, scene.traders[ALICE].shares_nano)
    assert scene.traders[ALICE].parked
    scene.sell(ALICE, SHARE)

    assert not scene.items
    assert not scene.traders[ALICE].parked
    assert scene.traders[ALICE].shares_nano == 0


def test_a_parked_order_can_be_cancelled() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 5 * SHARE)
    wishes = {"intent": "open_long", "shares_nano": 2 * SHARE, "price_pico": 11 * DOLLAR}
    scene.do(variable.PlaceLimit, trader=ALICE, **wishes)
    (waiting,) = scene.items.values()

    scene.do(variable.Cancel, trader=ALICE, ref=waiting.id)
    scene.buy(ALICE, shares_nano=5 * SHARE)

    assert not scene.items
    assert scene.traders[ALICE].shares_nano == 0
    assert scene.traders[ALICE].reserved_micro == 0


def test_the_wind_down_returns_parked_orders_too() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 5 * SHARE)
    wishes = {"intent": "open_long", "shares_nano": 2 * SHARE, "price_pico": 11 * DOLLAR}
    scene.do(variable.PlaceLimit, trader=ALICE, **wishes)

    scene.do(variable.WindDown)

    assert not scene.items
    assert scene.traders[ALICE].reserved_micro == 0
