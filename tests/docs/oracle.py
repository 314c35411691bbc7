"""Scenarios of the oracle event, its bounds, recentring and committed opens."""

from exchange.engines import variable
from tests.docs.figures import (
    NOTHING,
    change,
    percent,
    percent_of_pico,
    price,
    shares,
    table,
    usdc,
    yes,
)
from tests.docs.stage import DAY_S, INTERVAL_S, gained, later, market, news
from tests.engine.scene import (
    ALICE,
    LOOSE,
    SHARE,
    USDC,
    Scene,
    applied,
    filled,
    rejected,
    report,
)

REPORTS = (("0.06", "0.7"), ("0.08", "0.9"), ("0.10", "0.8"), ("0.40", "0.9"), ("0.20", "0.3"))


def oracle_event() -> str:
    """Five reports, one of them too wild and one too unsure, about news half priced already."""
    scene = market()
    scene.buy(ALICE, shares_nano=8 * SHARE)
    before = scene.state.market_pico
    reports = tuple(report(delta, confidence) for delta, confidence in REPORTS)
    event = applied(scene.do(variable.OracleEvent, reports=reports), "oracle")
    said = table(
        ("report", "change", "confidence", "counts as"),
        [_said(number, scene, one) for number, one in enumerate(reports, 1)],
    )
    f_before, f_after = event["fundamental_before_pico"], event["fundamental_pico"]
    made = table(
        ("figure", "value"),
        [
            ("median of the four", percent_of_pico(event["delta_med_pico"])),
            ("their median confidence", percent(event["conf_e8"])),
            ("their mean distance from the median", percent_of_pico(event["mad_pico"])),
            ("effective change", percent_of_pico(event["delta_eff_pico"])),
            ("T", price(event["target_pico"])),
            ("F before", price(f_before)),
            ("F after", price(f_after)),
            ("M before", price(before)),
            ("news, F after less F before", price(f_after - f_before)),
            ("gap, F after less M", price(f_after - before)),
            ("the curve moves by", price(event["applied_pico"])),
            ("M after", price(scene.state.market_pico)),
        ],
    )
    return f"{said}\n\n{made}"


def _said(number: int, scene: Scene, one: variable.Report) -> tuple[str, ...]:
    config = scene.config
    most = config.delta_max_e8 * 10**4
    counts = percent_of_pico(max(-most, min(most, one.delta_pico)))
    if one.confidence_e8 < config.conf_min_e8:
        counts = NOTHING
    shown = percent_of_pico(one.delta_pico), percent(one.confidence_e8)
    return (str(number), *shown, counts)


def oracle_bounds() -> str:
    """The same wild news again and again: a rule bounds each event, another the day."""
    scene = market()
    rows = [_bounded(f"event {number}", scene, news(scene, "0.5")) for number in range(1, 6)]
    scene.now_s = DAY_S
    rows.append(_bounded("first of the next day", scene, news(scene, "0.5")))
    return table(("event", "F before", "F after", "T", "what held F back"), rows)


def _bounded(name: str, scene: Scene, result: variable.Result) -> tuple[str, ...]:
    event = applied(result, "oracle")
    held = ", ".join(event["clamps"])
    before, after = price(event["fundamental_before_pico"]), price(event["fundamental_pico"])
    return name, before, after, price(scene.state.target_pico), held


def solvency_clamp() -> str:
    """News rises for a week until the providers of a thin market have nothing left to give."""
    scene = market(2_500, **LOOSE)
    for _ in range(6):
        filled(scene.buy(ALICE, shares_nano=30 * SHARE))
    rows = [_capital("six purchases of 30 shares", scene)]
    for day in range(1, 8):
        for _ in range(4):
            news(scene, "0.3")
        if day in {1, 3, 5, 6, 7}:
            rows.append(_capital(f"day {day}", scene))
        scene.now_s = day * DAY_S
    paid = filled(scene.sell(ALICE, scene.traders[ALICE].shares_nano))
    rows.append(_capital(f"Alice sells all for {usdc(paid.value_micro)}", scene))
    later(scene, 60)
    rows.append(_capital("a minute later", scene))
    return table(("after", "F", "M", "pool", "free capital, Phi", "clamped"), rows)


def _capital(when: str, scene: Scene) -> tuple[str, ...]:
    state = scene.state
    prices = price(state.f_pico), price(state.market_pico)
    money = usdc(state.pool_micro), usdc(state.free_capital_micro)
    return (when, *prices, *money, yes(state.clamped))


def recentring() -> str:
    """A premium of one per cent halves every half-life, however often anybody looks."""
    scene = market()
    filled(scene.buy(ALICE, shares_nano=40 * SHARE))
    often, equity, spans = Scene.of(scene), scene.state.equity_micro, (0, 600, 1200, 1800, 3600)
    rows, passed = [], 0
    for span in spans:
        passed += span
        later(scene, span)
        for _ in range(span // 60):
            later(often, 60)
        assert abs(often.state.market_pico - scene.state.market_pico) <= passed // 60
        rows.append(
            (
                f"{passed // 60} min",
                price(scene.state.market_pico),
                price(scene.state.f_pico - scene.state.market_pico),
                change(scene.state.equity_micro - equity),
            )
        )
    return table(("after", "M", "gap, F less M", "gained by the providers"), rows)


def commit() -> str:
    """An open that the band refuses waits for the oracle, or for its end."""
    scene = market()
    most = rejected(scene.buy(ALICE, 800 * USDC), "band")
    rows = [_waiting("asked without commit: `band`", scene)]
    placed = filled(scene.buy(ALICE, 800 * USDC, commit=True)).committed
    assert placed is not None
    rows.append(_waiting("asked with commit", scene))
    done, old, taken = Scene.of(scene), Scene.of(scene), Scene.of(scene)
    done.now_s = INTERVAL_S
    done.oracle("0", "0", "0")
    rows.append(_waiting("… the next oracle event", done))
    later(old, old.config.commit_ttl_s + 1)
    rows.append(_waiting("… or no event within commit_ttl", old))
    taken.do(variable.Cancel, trader=ALICE, ref=placed)
    rows.append(_waiting("… or Alice cancels", taken))
    head = ("step", "Alice's cash", "reserved", "her shares", "M")
    fits = f"Largest that passes at once: {usdc(most['amount_max_micro'])} USDC."
    return table(head, rows) + f"\n\n{fits}"


def _waiting(step: str, scene: Scene) -> tuple[str, ...]:
    alice = scene.traders[ALICE]
    return (
        step,
        change(gained(scene, ALICE)),
        usdc(alice.reserved_micro),
        shares(alice.shares_nano),
        price(scene.state.market_pico),
    )


SCENARIOS = (oracle_event, oracle_bounds, solvency_clamp, recentring, commit)
