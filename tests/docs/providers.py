"""Scenarios of the providers: funding, units, fees, vesting, withdrawals, causes of profit."""

from exchange.engines import variable
from exchange.engines.units import RATE
from exchange.engines.variable.providers import UNITS_AT_PAR
from exchange.engines.variable.results import ORACLE
from tests.docs.figures import NOTHING, change, shares, slope, table, usdc, worth
from tests.docs.stage import DAY_S, NAMES, POOL, gained, later, market, news
from tests.engine.scene import (
    ALICE,
    BOB,
    CHARLIE,
    LOOSE,
    PAT,
    SHARE,
    USDC,
    Scene,
    applied,
    filled,
)

UNIT = 10**9


def funding() -> str:
    """One market reaches its goal and opens in that moment; another is paid back."""
    scene, missed = Scene(), Scene()
    rows = []
    for who, amount in ((PAT, 2_000), (BOB, 600)):
        scene.contribute(who, amount * USDC)
        rows.append(_funded(f"{NAMES[who]} contributes {amount:,}", scene))
    missed.contribute(PAT, 2_000 * USDC)
    missed.now_s = missed.state.deadline_s
    paid = missed.refund()
    assert applied(paid, "refund")["paid_micro"] == 2_000 * USDC
    rows.append(_funded("the other market: its week is over", missed))
    head = ("step", "status", "waiting", "pool", "k", "Pat's units", "Bob's units")
    return table(head, rows)


def _funded(step: str, scene: Scene) -> tuple[str, ...]:
    state, stakes = scene.state, scene.providers
    held = (stakes[who].units_nano if who in stakes else 0 for who in (PAT, BOB))
    return (
        step,
        state.status,
        usdc(state.funding_micro),
        usdc(state.pool_micro),
        slope(state.k_atto) if state.k_atto else NOTHING,
        *(shares(units) for units in held),
    )


def units() -> str:
    """Units are minted and burned at net asset value, so that nobody else's change in worth."""
    scene = market(vesting=[[0, "1"]])
    scene.buy(ALICE, shares_nano=40 * SHARE)
    rows = [_equity("Alice is long 40", scene, "")]
    news(scene, "0.3")
    rows.append(_equity("news lifts the price, at the providers' cost", scene, ""))
    minted = applied(scene.contribute(BOB, 1_000 * USDC), "contribute")["units_nano"]
    rows.append(_equity("Bob deposits 1,000.00", scene, f"{shares(minted)} minted"))
    news(scene, "-0.5")
    rows.append(_equity("news takes the price down", scene, ""))
    burned = 250 * UNIT
    paid = applied(scene.do(variable.WithdrawNow, trader=BOB, units_nano=burned), "withdraw")
    amount = usdc(paid["amount_micro"])
    rows.append(_equity(f"Bob withdraws {shares(burned)} units", scene, f"paid {amount}"))
    return table(("step", "pool", "equity, E", "units, N", "E per unit", "Bob"), rows)


def _equity(step: str, scene: Scene, bob: str) -> tuple[str, ...]:
    state = scene.state
    return (
        step,
        usdc(state.pool_micro),
        usdc(state.equity_micro),
        shares(state.units_nano),
        worth(state.equity_micro, state.units_nano),
        bob or NOTHING,
    )


def lp_fees() -> str:
    """Whoever holds units when a fee is paid has a part of it, and nobody is visited for that."""
    scene = market()
    rows = []
    scene.buy(ALICE, 200 * USDC)
    rows.append(_claims("Alice pays 1.00 of fee", scene))
    scene.contribute(BOB, 2_500 * USDC)
    rows.append(_claims("Bob deposits 2,500.00", scene))
    scene.buy(CHARLIE, 100 * USDC)
    rows.append(_claims("Charlie pays 0.50 of fee", scene))
    scene.claim(PAT)
    rows.append(_claims("Pat claims", scene))
    return table(("step", "in lp_fees", "Pat can claim", "Bob can claim"), rows)


def _claims(step: str, scene: Scene) -> tuple[str, ...]:
    stakes, state = scene.providers, scene.state
    can = (variable.claimable(state, stakes[p]) if p in stakes else 0 for p in (PAT, BOB))
    return (step, usdc(state.lp_fees_micro), *map(usdc, can))


def vesting() -> str:
    """Units become free in steps; of what is free a quarter may leave on one day at once."""
    scene = market()
    rows = []
    for day in (0, 6, 7, 30, 90, 180):
        scene.now_s = day * DAY_S
        scene.beat()
        free = variable.vested(scene.config, scene.state, scene.providers[PAT], scene.now_s)
        at_once = free * scene.config.instant_frac_e8 // RATE
        rows.append((str(day), shares(free), shares(at_once)))
    return table(("day", "vested of Pat's 10,000", "at once on that day"), rows)


def instant() -> str:
    """Each limit on a withdrawal at once says what would pass it."""
    scene = market(**LOOSE, half_life="0")
    scene.now_s = 30 * DAY_S
    scene.oracle("0", "0", "0")
    rows = [_asked("day 30", scene, 6_000)]
    rows.append(_asked("", scene, 2_000))
    rows.append(_asked("", scene, 1_100))
    rows.append(_asked("", scene, 600, keep=True))
    rows.append(_asked("", scene, 500))
    rows.append(_asked("", scene, 400, keep=True))
    scene.now_s += DAY_S
    scene.oracle("0", "0", "0")
    for _ in range(5):
        filled(scene.buy(ALICE, 1_600 * USDC))
    for day in range(32, 36):
        scene.now_s = day * DAY_S - 2 * 3600
        for _ in range(4):
            news(scene, "0.3")
    scene.now_s = 35 * DAY_S
    scene.beat()
    rows.append(_asked("day 35, after a rise", scene, 400))
    scene.do(variable.QueueWithdrawal, trader=PAT, units_nano=100 * UNIT)
    rows.append(_asked("with a request waiting", scene, 1))
    return table(("when", "Pat asks to burn", "answer", "most that this limit lets pass"), rows)


def _asked(when: str, scene: Scene, units: int, *, keep: bool = False) -> tuple[str, ...]:
    wish = {"trader": PAT, "units_nano": units * UNIT}
    tried = scene if keep else Scene.of(scene)
    result = tried.do(variable.WithdrawNow, **wish)
    if isinstance(result, variable.Rejected):
        assert not keep
        most = result.fields.get("units_max_nano")
        passes = NOTHING if most is None else shares(int(most))
        return when, f"{units:,}", f"`{result.code}`", passes
    assert keep
    amount = applied(result, "withdraw")["amount_micro"]
    return when, f"{units:,}", f"pays {usdc(amount)}", NOTHING


def queue() -> str:
    """A request larger than a day's room is paid over several days; the next one waits for it."""
    scene = market()
    scene.now_s = 30 * DAY_S
    scene.beat()
    scene.contribute(BOB, 500 * USDC)
    scene.now_s = 60 * DAY_S
    scene.beat()
    first = applied(_queue(scene, PAT, 1_500), "queue_withdrawal")["id"]
    second = applied(_queue(scene, BOB, 250), "queue_withdrawal")["id"]
    rows = [("day 60, 00:00", "they ask", NOTHING, *_left(scene, first, second))]
    for day, hour in ((61, 0), (61, 1), (62, 0)):
        scene.now_s = day * DAY_S + hour * 3600
        scene.do(variable.ProcessQueue)
        rows.append(_turn(f"day {day}, {hour:02}:00", scene, first, second))
    return table(("when", "turn of the queue", "paid", "Pat still waits", "Bob still waits"), rows)


def _queue(scene: Scene, who: int, units: int) -> variable.Result:
    return scene.do(variable.QueueWithdrawal, trader=who, units_nano=units * UNIT)


def _turn(when: str, scene: Scene, first: int, second: int) -> tuple[str, ...]:
    paid = [
        f"{NAMES[payout.provider]} {usdc(payout.amount_micro)}" for payout in scene.last.payouts
    ]
    why = ", ".join(paid) or "the notice period has not passed"
    total = sum(payout.amount_micro for payout in scene.last.payouts)
    return (when, why, usdc(total), *_left(scene, first, second))


def _left(scene: Scene, *requests: int) -> tuple[str, ...]:
    rows = (scene.items.get(ref) for ref in requests)
    return tuple(shares(r.units_nano if isinstance(r, variable.Withdrawal) else 0) for r in rows)


class _Causes:
    """Adds up what each batch did to the providers, cause by cause."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.surcharges, self.oracle, self.recentring = scene, 0, 0, 0

    def take(self) -> None:
        """Count the last batch; shifts are in 1e-15 micro-USDC, pico times nano."""
        self.surcharges += sum(fill.surcharge_micro for fill in self.scene.last.fills)
        for shift in self.scene.last.shifts:
            lost = shift.supply_nano * shift.delta_pico
            if shift.reason == ORACLE:
                self.oracle -= lost
            else:
                self.recentring -= lost


def profit() -> str:
    """A day of Pat's: every micro-USDC of it has a cause."""
    scene = market()
    causes = _Causes(scene)
    filled(scene.buy(ALICE, shares_nano=30 * SHARE))
    causes.take()
    for delta in ("0.03", "-0.05"):
        news(scene, delta)
        causes.take()
        filled(scene.buy(BOB, 50 * USDC) if delta == "0.03" else scene.sell(CHARLIE, 5 * SHARE))
        causes.take()
    later(scene, 1_200)
    causes.take()
    filled(scene.sell(ALICE, 30 * SHARE))
    causes.take()
    state = scene.state
    pat = scene.providers[PAT]
    value = pat.units_nano * state.equity_micro // state.units_nano
    assert pat.units_nano == POOL * USDC * UNITS_AT_PAR
    earned, held = variable.claimable(state, pat), value - POOL * USDC
    oracle, recentring = causes.oracle // 10**15, causes.recentring // 10**15
    rest = held - causes.surcharges - oracle - recentring
    rows = [
        ("fees, claimable", change(earned)),
        ("surcharges, in the pool", change(causes.surcharges)),
        ("oracle: shifts against the traders' net position", change(oracle)),
        ("inventory: recentring", change(recentring)),
        ("inventory: what rounding left in the pool", change(rest)),
        ("Pat's profit", change(earned + held)),
    ]
    assert gained(scene, PAT) == -POOL * USDC
    return table(("cause", "USDC"), rows)


SCENARIOS = (funding, units, lp_fees, vesting, instant, queue, profit)
