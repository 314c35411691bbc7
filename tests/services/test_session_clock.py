"""The clock of a session: ticks without gap or repeat, what is due at its tick, catching up."""

from dataclasses import replace
from typing import Any

import pytest

from exchange import clock
from exchange.engines import outcome
from exchange.errors import Unprocessable
from exchange.models import Account, Command, Market, OutcomeTick, Session
from exchange.services import metrics
from exchange.services.outcome import timekeeping
from exchange.services.outcome.schedule import CATCH_UP_MAX, Standing, Step, earlier, step
from exchange.services.sessions import host
from tests.factories import ask, joined, running_session, ticked
from tests.stillness import still_clock  # noqa: F401

pytestmark = pytest.mark.usefixtures("still_clock")

ROUNDS: dict[str, Any] = {
    "mr_enabled": True,
    "rounds": [["5000", "2000", ["0"]], ["12500", "1500", []]],
    "total_duration_ms": "20000",
}


def _config(**values: Any) -> outcome.Config:
    return outcome.Config.parse({"n_outcomes": "5", **ROUNDS, **values})


def _standing(now_ms: int, last: int = 0, winner: int | None = None) -> Standing:
    return Standing(Market.Status.RUNNING, False, winner, last, now_ms)


def _state(config: outcome.Config, status: str = "trading", era_ms: int = 0) -> outcome.MarketState:
    return replace(outcome.MarketState.opened(config), status=status, era_start_ms=era_ms)


def test_a_tick_is_due_when_it_has_ended() -> None:
    config = _config()
    state = _state(config)

    assert step(config, state, _standing(999)) is None
    assert step(config, state, _standing(1_000)) == Step(1, 1_000)
    assert step(config, state, _standing(1_999, last=1)) is None


@pytest.mark.parametrize(
    ("status", "era_ms", "now_ms", "last", "number", "kinds"),
    [
        ("trading", 0, 3_000, 2, 3, ["gate"]),
        ("trading", 0, 9_000, 2, 3, ["gate"]),
        ("frozen", 0, 9_000, 3, 5, ["eliminate"]),
        ("frozen", 0, 5_000, 5, None, []),
        ("trading", 5_000, 30_000, 5, 11, ["gate"]),
        ("frozen", 5_000, 30_000, 11, 30, []),
        ("trading", 13_000, 30_000, 13, 20, ["gate"]),
    ],
)
def test_what_is_scheduled_comes_at_its_tick(  # noqa: PLR0917 (a row of the table)
    status: str, era_ms: int, now_ms: int, last: int, number: int | None, kinds: list[str]
) -> None:
    config = _config()

    due = step(config, _state(config, status, era_ms), _standing(now_ms, last))

    assert (due and due.number) == number
    assert [kind for kind, _, _ in due.house] == kinds if due else not kinds


def test_a_clock_that_was_put_back_is_not_waited_for() -> None:
    config = _config(rounds=[])
    state = _state(config)

    assert step(config, state, _standing(1_000, last=3)) is None
    assert step(config, state, _standing(1_000, last=10)) == Step(11, 11_000)


@pytest.mark.django_db
def test_orders_wait_for_the_tick_after_their_arrival() -> None:
    session = running_session()
    player = joined(session)

    taken = ask(player, "buy", "0y", "1")

    assert taken.tick == 1
    assert ticked(session, 0) == 0
    assert (ticked(session, 1), ticked(session, 1)) == (1, 0)


@pytest.mark.django_db
def test_a_quiet_tick_leaves_no_row_and_its_number_is_not_lost() -> None:
    session = running_session()
    player = joined(session)
    for seconds in (1, 7, 8):
        with clock.shifted(seconds - 1):
            ask(player, "buy", "0y", "1")
        ticked(session, seconds)
        ticked(session, seconds)

    found = OutcomeTick.objects.order_by("seq").values_list("seq", "number")
    assert list(found) == [(1, 1), (2, 7), (3, 8)]


def _story(session: Session, times: list[int]) -> list[list[Any]]:
    """Trade at fixed instants; take ticks at `times`; return what came of it, without names."""
    player, other = joined(session, "Ann"), joined(session, "Ben")
    asked = {
        1: (player, "buy", "0n", "40"),
        3: (other, "buy", "1y", "25"),
        4: (player, "buy", "2y", "9"),
        6: (other, "buy", "3y", "30"),
        14: (player, "sell", "1y", "1"),
        15: (player, "buy", "1n", "8"),
    }
    for second in range(1, 23):
        if second in asked:
            who, *order = asked[second]
            with clock.shifted(second):
                ask(who, *order)
        if second in times:
            ticked(session, second)
            session.market.refresh_from_db()
    log = Command.objects.filter(market=session.market, user__isnull=False).order_by("id")
    return [
        list(log.values_list("accepted", flat=True)),
        sorted(
            Account.objects.filter(market=session.market, kind="play_cash").values_list(
                "balance_micro", flat=True
            )
        ),
    ]


@pytest.mark.django_db
def test_what_happens_does_not_hang_on_how_long_nobody_kept_the_time() -> None:
    options = {**ROUNDS, "rounds": [["5000", "2000", ["0"]]], "outcomes": 5}

    kept = _story(running_session(**options), list(range(1, 23)))
    asleep = _story(running_session(**options), [22])
    dozing = _story(running_session(**options), [2, 9, 22])

    assert kept == asleep == dozing
    assert kept[0] == [True, False, False, True, False, True]


MOVING: dict[str, Any] = {
    "zeta_start": "0.2", "zeta_end": "0.01", "kappa_start": "0.0001", "kappa_end": "0.0005",
    "mu_start": "2", "mu_end": "1", "interpolation_mode": "reset", "gas_fee": "0.01",
    "default_max_slippage": "0.03",
}  # fmt: skip


@pytest.mark.django_db
def test_ticks_that_were_missed_are_made_good_where_parameters_move() -> None:
    """Each batch has the parameters of its tick and the slippage reference of the one before."""
    options = {**ROUNDS, **MOVING, "rounds": [["5000", "2000", ["0"]]], "outcomes": 5}

    stories, ticks = [], []
    for times in (list(range(1, 23)), [22], [4, 22]):
        session = running_session(**options)
        stories.append(_story(session, times))
        rows = OutcomeTick.objects.filter(market_id=session.pk).order_by("seq")
        ticks.append(list(rows.values_list("number", "t_ms", "prices", "z_e9", "backing")))

    assert stories[0] == stories[1] == stories[2]
    assert ticks[0] == ticks[1] == ticks[2]
    assert [number for number, *_ in ticks[0]] == [2, 3, 4, 5, 7, 12, 15, 16, 20]
    codes = set(Command.objects.filter(kind="order").values_list("result__code", flat=True))
    assert {None, "slippage", "frozen"} <= codes


@pytest.mark.django_db
@pytest.mark.parametrize(("gap", "numbers"), [(CATCH_UP_MAX, [11, 71]), (CATCH_UP_MAX + 1, [72])])
def test_what_lies_far_back_is_one_batch(gap: int, numbers: list[int]) -> None:
    session = running_session(total_duration_ms="600000")
    player = joined(session)
    for second in (10, 10 + gap):
        with clock.shifted(second):
            ask(player, "buy", "0y", "1")
    ticked(session, 11 + gap)

    rows = OutcomeTick.objects.filter(market_id=session.pk).order_by("seq")
    assert list(rows.values_list("number", flat=True)) == numbers


@pytest.mark.parametrize(
    ("last", "oldest_ms", "number"),
    [
        (0, 0, 1),
        (0, 999, 1),
        (0, 1_000, 2),
        (4, 1_000, 5),
        (0, 39_999, 40),
        (0, 45_000, 40),
    ],
)
def test_the_oldest_order_names_its_tick(last: int, oldest_ms: int, number: int) -> None:
    due = Step(40, 40_000, (("gate", {}, "end"),))

    found = earlier(due, last, oldest_ms, 1_000)

    assert found == (due if number == 40 else Step(number, number * 1_000))


@pytest.mark.django_db
def test_a_round_without_names_waits_for_the_host() -> None:
    session = running_session(
        outcomes=4, mr_enabled=True, rounds=[["4000", "2000", []]], total_duration_ms="9000"
    )
    player = joined(session)
    ticked(session, 6)
    with clock.shifted(6):
        late = ask(player, "buy", "0y", "1")
        host.eliminate(host=session.host, session=session, outcomes=[3], key="eliminate-1")
    ticked(session, 8)
    with clock.shifted(8):
        ask(player, "buy", "0y", "1")
    ticked(session, 30)

    log = Command.objects.filter(market=session.market).order_by("seq")
    assert [(c.kind, c.accepted) for c in log] == [
        ("gate", True), ("order", False), ("eliminate", True), ("order", True), ("gate", True),
    ]  # fmt: skip
    refused = log.get(id=late.id).result
    assert refused is not None
    assert refused["fields"]["status"] == "frozen"
    session.market.refresh_from_db()
    assert session.market.status == "ended"


@pytest.mark.django_db
def test_reduce_only_survives_an_elimination_and_lets_people_sell() -> None:
    session = running_session(outcomes=4, mr_enabled=True, rounds=[["5000", "1000", ["3"]]])
    player = joined(session)
    ask(player, "buy", "0y", "10")
    ticked(session, 1)
    with clock.shifted(1):
        host.reduce_only(host=session.host, session=session, reason="breath", key="reduce-1")
    ticked(session, 2)
    ticked(session, 7)
    with clock.shifted(7):
        ask(player, "buy", "0y", "1")
        ask(player, "sell", "0y", "4")
    ticked(session, 9)
    with clock.shifted(9):
        host.resume(host=session.host, session=session, key="resume-1")
        ask(player, "buy", "0y", "1")
    ticked(session, 11)
    with clock.shifted(11):
        ask(player, "buy", "0y", "1")
    ticked(session, 12)

    answers = Command.objects.filter(kind="order", market=session.market).order_by("seq")
    codes = [(c.result or {}).get("code") for c in answers]
    assert codes == [None, "reduce_only", None, "reduce_only", None]


@pytest.mark.django_db
def test_prices_that_move_by_themselves_are_ticked_now_and_then() -> None:
    session = running_session(zeta_start="0.3", zeta_end="0.1", total_duration_ms="60000")

    ticks = [ticked(session, second) for second in range(1, 13)]

    assert ticks == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]


@pytest.mark.django_db
def test_the_clock_process_finds_what_is_due_and_when_to_look_again() -> None:
    fast = running_session(batch_ms="100")
    quiet = running_session()
    ask(joined(fast), "buy", "0y", "1")

    with clock.shifted(1):
        first, second = timekeeping.turn(), timekeeping.turn()

    assert (first.ticks, second.ticks) == (1, 0)
    assert 0 < second.wait_s <= 0.1
    assert not OutcomeTick.objects.filter(market=quiet.market).exists()


@pytest.mark.django_db
def test_an_elimination_that_comes_too_late_opens_nothing() -> None:
    session = running_session(outcomes=4, mr_enabled=True)
    player = joined(session)
    host.end(host=session.host, session=session)
    host.eliminate(host=session.host, session=session, outcomes=[3], key="eliminate-1")
    ask(player, "buy", "0y", "1")
    ticked(session, 2)

    session.market.refresh_from_db()
    assert session.market.status == "ended"
    log = Command.objects.filter(market=session.market).order_by("seq")
    assert [(c.kind, c.accepted) for c in log] == [
        ("gate", True), ("eliminate", False), ("order", True),
    ]  # fmt: skip
    with pytest.raises(Unprocessable, match="ended"):
        ask(player, "buy", "0y", "1")


@pytest.mark.django_db
def test_a_planned_winner_who_is_out_leaves_the_result_to_the_host() -> None:
    session = running_session(
        outcomes=4, mr_enabled=True, planned_winner=3, total_duration_ms="5000"
    )
    host.eliminate(host=session.host, session=session, outcomes=[3], key="eliminate-1")
    ticked(session, 2)

    assert ticked(session, 6) == 1

    session.market.refresh_from_db()
    assert session.market.status == "ended"
    host.resolve(host=session.host, session=session, winner=0)
    assert ticked(session, 8) == 1


@pytest.mark.django_db
def test_orders_that_no_tick_takes_are_a_figure_of_alarm() -> None:
    session = running_session()
    ask(joined(session), "buy", "0y", "1")

    with clock.shifted(7):
        found = {metric.name: metric.samples for metric in metrics.Books().collect()}

    assert found["megatron_session_waiting_seconds"][0].value == 7
