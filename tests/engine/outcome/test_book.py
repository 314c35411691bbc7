import pytest

from exchange.engines import outcome
from exchange.engines.outcome import depth
from tests.engine.outcome.scene import ALICE, BOB, CENT, CHARLIE, DAVE, NO, TOKEN, YES, Scene

FREE = {"kappa_start": "0", "f": "0", "f_match": "0"}


def _kinds(scene: Scene) -> list[str]:
    return [fill.kind for fill in scene.last.fills]


def test_a_better_price_in_the_book_goes_before_the_market_maker() -> None:
    scene = Scene(FREE)
    scene.buy(ALICE, YES, 200)
    scene.sell(ALICE, YES, 50, price=57)

    scene.buy(BOB, YES, 500, price=60)

    direct, rest = scene.last.fills
    assert (direct.kind, direct.size_micro, direct.price_pico) == (
        "direct",
        50 * TOKEN,
        57 * 10**10,
    )
    # the one block of the market maker ends where its marginal price reaches the limit
    assert rest.kind == "amm"
    assert scene.state.outcomes[0].yes_pico <= 60 * 10**10


def test_at_equal_prices_the_direct_match_goes_before_the_mint() -> None:
    scene = Scene(FREE)
    scene.buy(CHARLIE, YES, 100)
    scene.sell(CHARLIE, YES, 10, price=60)
    scene.buy(CHARLIE, NO, 10, price=40)
    scene.buy(CHARLIE, YES, 1_000)

    scene.buy(BOB, YES, 15, price=60)

    assert [(fill.kind, fill.size_micro) for fill in scene.last.fills] == [
        ("direct", 10 * TOKEN),
        ("mint", 5 * TOKEN),
    ]


def test_a_mint_needs_the_switch() -> None:
    scene = Scene({**FREE, "cm_enabled": False})
    scene.buy(ALICE, YES, 10, price=49)
    scene.buy(BOB, NO, 10, price=49)
    scene.buy(CHARLIE, NO, 500)

    scene.buy(BOB, NO, 10, price=60)

    assert "mint" not in _kinds(scene)


def test_a_mint_puts_exactly_one_usdc_per_pair_aside() -> None:
    scene = Scene(FREE)

    scene.hand_pairs(0, 40)

    assert _kinds(scene) == ["mint"]
    assert scene.state.outcomes[0].pairs_micro == 40 * TOKEN
    assert scene.state.pool_micro == scene.config.z_micro
    assert (scene.held(ALICE, YES), scene.held(BOB, NO)) == (40 * TOKEN, 40 * TOKEN)


def test_a_merge_gives_the_pair_back_for_its_cash() -> None:
    scene = Scene(FREE)
    scene.hand_pairs(0, 400)
    scene.sell(ALICE, YES, 400, price=51)

    sold = scene.sell(BOB, NO, 400, price=49).order

    # NO is converted down to 0.49, the rest merged with the YES at 0.51
    merge, convert = scene.last.fills
    assert (merge.kind, convert.kind) == ("merge", "convert")
    assert (merge.buyer, merge.seller, merge.price_pico) == (ALICE, BOB, 49 * 10**10)
    assert merge.size_micro + convert.size_micro == 400 * TOKEN
    assert sold.status == outcome.FILLED
    row = scene.state.outcomes[0]
    assert (row.pairs_micro, row.yes_micro, row.no_micro) == (0, convert.size_micro, 0)


def test_own_orders_are_skipped_and_may_rest_crossed() -> None:
    scene = Scene(FREE)
    scene.buy(ALICE, YES, 50)
    scene.sell(ALICE, YES, 50, price=54)

    placed = scene.buy(ALICE, YES, 5_000, price=60).order

    assert _kinds(scene) == ["amm"]
    assert placed.status == outcome.PARTIAL
    assert len(scene.frontier.orders) == 2


def test_a_level_is_shared_in_proportion_in_the_order_of_joining() -> None:
    scene = Scene(FREE)
    for who, tokens in ((BOB, 50), (CHARLIE, 50), (DAVE, 50.01)):
        scene.buy(who, YES, tokens, price=48)

    scene.buy(ALICE, NO, 40, price=52)

    # the market maker sells NO up to 0.52 first
    mints = [fill for fill in scene.last.fills if fill.kind == "mint"]
    assert mints == []
    scene.buy(ALICE, NO, 700, price=52)
    mints = [fill for fill in scene.last.fills if fill.kind == "mint"]
    assert [fill.seller for fill in mints] == [BOB, CHARLIE, DAVE]
    assert mints[0].size_micro - mints[1].size_micro in {0, CENT}


@pytest.mark.parametrize("slice_", [1, 2, 3, 64])
def test_the_book_reads_the_same_in_slices_of_any_size(
    slice_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "SLICE", slice_)
    scene = Scene({**FREE, "cm_enabled": False})
    for cents in (45, 47, 46, 47, 44, 46, 45, 47, 40):
        scene.buy(BOB if cents % 2 else CHARLIE, YES, 3, price=cents)
    scene.buy(ALICE, YES, 100)
    far = scene.order(DAVE, outcome.BUY, YES, 7, price=42)
    near = scene.order(DAVE, outcome.BUY, YES, 7, price=46)
    below = scene.order(ALICE, outcome.BUY, NO, 3_000)
    sale = scene.order(ALICE, outcome.SELL, YES, 35)

    scene.apply(far, near, below, sale)

    fills = [fill for fill in scene.last.fills if fill.kind == "direct"]
    assert [(f.buyer, f.size_micro // CENT, f.price_pico // 10**10) for f in fills] == [
        (BOB, 300, 47),
        (BOB, 300, 47),
        (BOB, 300, 47),
        (CHARLIE, 300, 46),
        (CHARLIE, 300, 46),
        (DAVE, 700, 46),
        (BOB, 300, 45),
        (BOB, 300, 45),
        (CHARLIE, 300, 44),
        (DAVE, 400, 42),
    ]
