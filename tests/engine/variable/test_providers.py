from dataclasses import replace

import pytest

from exchange.engines.engine import EngineBug
from exchange.engines.variable import (
    Cohort,
    Config,
    Contribute,
    MarketState,
    Provider,
    Refund,
    apply,
    claimable,
    vested,
)
from exchange.engines.variable.providers import slope
from exchange.engines.variable.vesting import vested_fraction
from tests.engine.scene import (
    ALICE,
    BOB,
    CHARLIE,
    DOLLAR,
    PAT,
    PLENTY,
    USDC,
    Scene,
    applied,
    rejected,
)

DAY = 86_400


def test_a_contribution_waits_in_funding_at_par() -> None:
    scene = Scene()

    figures = applied(scene.contribute(ALICE, 100 * USDC), "contribute")

    assert figures == {
        "amount_micro": 100 * USDC,
        "units_nano": 100 * 10**9,
        "activated": False,
    }
    assert (scene.state.status, scene.state.funding_micro) == ("funding", 100 * USDC)
    assert (scene.state.pool_micro, scene.state.units_nano) == (0, 0)
    assert scene.providers[ALICE].units_nano == 100 * 10**9


def test_the_soft_cap_activates_in_the_same_operation() -> None:
    scene = Scene(now_s=DAY + 5)
    scene.contribute(ALICE, 2_499_999_999)
    assert scene.state.status == "funding"

    figures = applied(scene.contribute(BOB, 10 * USDC), "contribute")

    state = scene.state
    assert figures["activated"] is True
    assert (state.status, state.funding_micro, state.pool_micro) == ("active", 0, 2_509_999_999)
    assert state.units_nano == 2_509_999_999_000
    assert (state.activated_s, state.last_oracle_s, state.day) == (DAY + 5, DAY + 5, 1)
    assert (state.e_day_micro, state.f_day_pico) == (2_509_999_999, 10 * DOLLAR)


def test_activation_touches_the_last_contributor_alone() -> None:
    scene = Scene()
    scene.contribute(ALICE, 1000 * USDC)
    scene.contribute(BOB, 1500 * USDC)

    assert set(scene.last.providers) == {BOB}
    assert scene.providers[ALICE].cohorts == (Cohort(1000 * 10**9, None),)


def test_the_slope_follows_from_the_money_raised() -> None:
    assert slope(25 * 10**6, 10 * DOLLAR, 2500 * USDC) == 10**16
    assert Scene.active(k="0.5").state.k_atto == 5 * 10**17


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "args"),
        (-1, "args"),
        (9_999_999, "min_contribution"),
        (25_000 * USDC + 1, "hard_cap"),
        (PLENTY + 1, "hard_cap"),
    ],
)
def test_a_contribution_has_its_bounds(amount: int, code: str) -> None:
    scene = Scene()
    before = scene.state

    rejected(scene.contribute(ALICE, amount), code)

    assert scene.state == before
    assert scene.last.postings == ()


def test_a_contribution_needs_the_money() -> None:
    scene = Scene()
    scene.traders[ALICE] = replace(scene.traders[ALICE], cash_micro=99 * USDC)

    rejected(scene.contribute(ALICE, 99 * USDC + 1), "insufficient_funds")
    applied(scene.contribute(ALICE, 99 * USDC), "contribute")


@pytest.mark.parametrize(("now_s", "open_"), [(604_799, True), (604_800, False)])
def test_the_window_closes_at_the_deadline(now_s: int, open_: bool) -> None:
    scene = Scene()
    scene.now_s = now_s

    result = scene.contribute(ALICE, 10 * USDC)

    if open_:
        applied(result, "contribute")
        rejected(scene.refund(), "not_expired")
    else:
        rejected(result, "deadline")
        applied(scene.refund(), "refund")


def test_an_active_market_takes_deposits_up_to_the_hard_cap() -> None:
    scene = Scene.active(pool=24_990)

    assert rejected(scene.contribute(ALICE, 11 * USDC), "hard_cap")["amount_max_micro"] == 10 * USDC
    assert applied(scene.contribute(ALICE, 10 * USDC), "contribute")["units_nano"] == 10_000 * USDC


def test_a_refund_returns_every_contribution_to_the_cent() -> None:
    scene = Scene()
    scene.contribute(ALICE, 100 * USDC)
    scene.contribute(ALICE, 10 * USDC + 1)
    scene.contribute(BOB, 1_400_500_000)
    scene.providers[CHARLIE] = Provider(id=CHARLIE)
    scene.now_s = 700_000

    figures = applied(scene.refund(), "refund")

    assert figures == {"paid_micro": 1_510_500_001, "providers": 2, "left_micro": 0}
    assert scene.state.status == "cancelled"
    assert scene.traders[ALICE].cash_micro == scene.traders[BOB].cash_micro == PLENTY
    assert scene.providers[ALICE].units_nano == 0
    rejected(scene.refund(), "nothing")
    rejected(scene.contribute(ALICE, 10 * USDC), "not_open")


def test_a_refund_can_be_paid_in_slices() -> None:
    scene = Scene()
    scene.contribute(ALICE, 100 * USDC)
    scene.contribute(BOB, 50 * USDC)
    scene.now_s = 700_000
    everyone = scene.providers
    scene.frontier.providers = {ALICE: everyone[ALICE]}

    assert applied(scene.refund(), "refund")["left_micro"] == 50 * USDC
    scene.frontier.providers = {BOB: everyone[BOB]}

    assert applied(scene.refund(), "refund")["left_micro"] == 0
    assert scene.traders[BOB].cash_micro == PLENTY


def test_an_empty_market_is_cancelled_too() -> None:
    scene = Scene()
    scene.now_s = 700_000

    applied(scene.refund(), "refund")

    assert scene.state.status == "cancelled"


def test_an_active_market_refunds_nothing() -> None:
    scene = Scene.active()
    scene.now_s = 700_000

    rejected(scene.refund(), "nothing")


def test_providers_that_hold_more_than_was_given_are_a_defect() -> None:
    config = Config.parse({})
    state = MarketState.opened(config, 0)
    scene = Scene()

    with pytest.raises(EngineBug, match="exceed"):
        apply(
            config,
            state,
            scene.traders,
            {ALICE: Provider(id=ALICE, units_nano=1000)},
            [Refund(seq=1)],
            700_000,
        )


def test_fees_are_claimed_in_whole_micros_and_the_fraction_stays() -> None:
    scene = Scene()
    for who, amount in ((PAT, 1000), (BOB, 700), (CHARLIE, 803)):
        scene.contribute(who, amount * USDC)
    scene.buy(ALICE, 33_333_333)

    assert claimable(scene.state, scene.providers[BOB]) == 41_949
    assert applied(scene.claim(BOB), "claim") == {"amount_micro": 41_949}
    assert scene.providers[BOB].claimed_micro == 41_949
    assert 0 < scene.providers[BOB].owed < 10**18
    assert scene.state.lp_fees_micro == 150_000 - 41_949


def test_a_claim_of_nothing_is_refused() -> None:
    scene = Scene.active()

    rejected(scene.claim(PAT), "nothing")
    rejected(scene.claim(ALICE), "nothing")
    scene.buy(ALICE, 100 * USDC)
    applied(scene.claim(PAT), "claim")
    rejected(scene.claim(PAT), "nothing")


def test_without_providers_their_part_is_insurance() -> None:
    scene = Scene.active()
    scene.state = replace(scene.state, units_nano=0)

    scene.buy(ALICE, 100 * USDC)

    assert (scene.state.insurance_micro, scene.state.lp_fees_micro) == (450_000, 0)


def test_the_accumulator_owes_what_lies_in_the_fee_account() -> None:
    scene = Scene.active(pool=2777)
    for amount in (3_333_333, 7_777_777, 1_234_567):
        scene.buy(ALICE, amount)

    assert scene.state.lp_fees_micro * 10**18 == scene.state.owed + scene.state.acc_rem
    assert claimable(scene.state, scene.providers[PAT]) in {
        scene.state.lp_fees_micro - 1,
        scene.state.lp_fees_micro,
    }


@pytest.mark.parametrize(
    ("day", "share"),
    [(0, 0), (6, 0), (7, 25), (29, 25), (30, 50), (89, 50), (90, 75), (179, 75), (180, 100)],
)
def test_vesting_steps_at_its_days(day: int, share: int) -> None:
    config = Config.parse({})

    assert vested_fraction(config, day * DAY) == share * 10**6
    assert vested_fraction(config, (day + 1) * DAY - 1) == share * 10**6


def test_contributors_vest_from_activation_and_later_cohorts_on_their_own_clock() -> None:
    scene = Scene.active(now_s=DAY)
    provider = Provider(id=PAT, units_nano=18, cohorts=(Cohort(7, None, 1), Cohort(11, 25 * DAY)))

    def units(day: int) -> int:
        return vested(scene.config, scene.state, provider, day * DAY)

    assert units(7) == 0
    assert units(31) == 7 * 50 // 100 - 1
    assert units(32) == 7 * 50 // 100 - 1 + 11 * 25 // 100


def test_nothing_vests_while_funding() -> None:
    scene = Scene()
    scene.contribute(ALICE, 100 * USDC)

    assert vested(scene.config, scene.state, scene.providers[ALICE], 10**9) == 0


def test_many_contributions_of_one_batch_add_up() -> None:
    scene = Scene()

    scene.batch(*(Contribute(seq=n, trader=ALICE, amount_micro=10 * USDC) for n in range(1, 4)))

    assert scene.providers[ALICE].cohorts == (Cohort(30 * 10**9, None),)


def test_a_trading_market_refuses_what_is_for_funding_only() -> None:
    scene = Scene()
    scene.contribute(BOB, 2_500 * USDC)
    late = Contribute(seq=scene.next_seq(), trader=ALICE, amount_micro=10 * USDC, funding_only=True)

    rejected(scene.batch(late)[0], "not_open")
