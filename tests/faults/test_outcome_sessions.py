"""Sessions with everything on: bots, real clocks, kills; sums stay, and the log replays."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from exchange.engines import outcome
from exchange.engines.engine import EngineBug
from exchange.errors import InvariantBroken, MegatronError
from exchange.models import (
    Account,
    Command,
    LiveState,
    Market,
    MarketEvent,
    OutcomeFill,
    OutcomeTick,
    Participant,
    Session,
    User,
)
from exchange.selectors.outcome import history
from exchange.services import audit
from exchange.services.outcome import tick, timekeeping
from exchange.services.outcome.replay import Walk
from exchange.services.sessions import host, lobby
from tests.all_kinds import KINDS, every_kind
from tests.factories import (
    ask,
    funded_user,
    joined,
    key,
    open_session,
    running_session,
    ticked,
    usdc,
)
from tests.faults.crowd import codes, together
from tests.faults.nursery import database_url
from tests.faults.scale import scaled
from tests.faults.session_bots import OUTCOMES, crowd_of, order
from tests.faults.site import Process, Web
from tests.past import book_of
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900), pytest.mark.usefixtures("books")]

BOTS = 20
SECONDS = scaled(4, 60)
KILLS = scaled(3, 120)
LIVELY: dict[str, Any] = {
    "z": "3000",
    "starting_balance": "2000",
    "batch_ms": "100",
    "gas_fee": "0.01",
    "zeta_start": "0.2",
    "zeta_end": "0.1",
    "kappa_start": "0.0001",
    "mu_start": "2",
    "sigma": "0.3",
    "vc_enabled": False,
    "interpolation_mode": "reset",
    "default_max_slippage": "0.5",
    "mr_enabled": True,
}


def rounds(seconds: int) -> dict[str, Any]:
    """Return the schedule of a session of so many seconds: one planned round, one by the host."""
    third = seconds * 1_000 // 3
    return {
        "rounds": [[str(third), "300", ["4"]], [str(2 * third), "300", []]],
        "total_duration_ms": str(seconds * 1_000),
    }


def place(player: Participant, choice: random.Random) -> None:
    """Ask for something through the service."""
    body = order(choice)
    options = {name: body[name] for name in ("price", "max_slippage") if name in body}
    ask(
        player,
        body["side"],
        f"{body['outcome']}{body['token'][0]}",
        body["size"],
        auto_fill=body.get("auto_fill", False),
        **options,
    )


def total(session: Session) -> int:
    """Return identity 10.1: all that the session and its participants have, by the accounts."""
    users = list(session.participants.values_list("user_id", flat=True))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        own = Account.objects.filter(market_id=session.market_id).exclude(kind="play_issue")
        found = sum(own.values_list("balance_micro", flat=True))
        if not session.is_play:
            cash = Account.objects.filter(user_id__in=users, market=None, kind="cash")
            found += sum(cash.values_list("balance_micro", flat=True))
        return found


def without_gap(session: Session) -> None:
    """Batches count on, ticks rise, every command was answered by one of them."""
    rows = list(OutcomeTick.objects.filter(market_id=session.market_id).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    numbers = [row.number for row in rows]
    assert numbers == sorted(set(numbers))
    assert not Command.objects.filter(market_id=session.market_id, batch_seq=None).exists()
    live = LiveState.objects.get(pk=session.market_id)
    assert (live.batch_seq, live.last_tick["number"]) == (len(rows), numbers[-1])


def on_time(session: Session, kind: str, at_ms: int) -> None:
    """What was scheduled happened in the first tick from its time on."""
    event = MarketEvent.objects.filter(market_id=session.market_id, kind=kind).earliest("id")
    row = OutcomeTick.objects.get(market_id=session.market_id, number=event.detail["tick"])
    ticks = OutcomeTick.objects.filter(market_id=session.market_id, t_ms__gte=at_ms)
    assert ticks.earliest("number") == row, (kind, row.t_ms)


class Crowd:
    """Bots that trade through the service from threads of their own, until they are stopped."""

    def __init__(self, players: list[Participant], chance: random.Random) -> None:
        self.stop, self.wrong = threading.Event(), list[str]()
        self.threads = [
            threading.Thread(
                target=self._trade, args=(player, random.Random(chance.random())), daemon=True
            )
            for player in players
        ]
        for thread in self.threads:
            thread.start()

    def _trade(self, player: Participant, choice: random.Random) -> None:
        while not self.stop.wait(choice.uniform(0, 0.08)):
            try:
                place(player, choice)
            except MegatronError as refused:
                if refused.code not in {"frozen", "busy"}:
                    self.wrong.append(refused.code)
        connection.close()

    def end(self) -> None:
        """Stop them. Raises AssertionError if one was refused what it may."""
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
        assert self.wrong == []


@pytest.mark.parametrize("money", ["play", "real"])
def test_sums_are_constant_at_each_tick_with_everything_on(
    money: str, chance: random.Random
) -> None:
    session = open_session(money=money, outcomes=OUTCOMES, **LIVELY, **rounds(SECONDS))
    people = [funded_user("2000") if money == "real" else None for _ in range(BOTS)]
    players = [joined(session, f"Bot {n}", user) for n, user in enumerate(people)]
    lobby.session_start(host=session.host, session=session)
    constant, seen, named = total(session), set(), False
    every_kind(players)
    while Command.objects.filter(batch_seq=None).exists():
        time.sleep(timekeeping.turn().wait_s)
        seen.add(total(session))
    assert set(OutcomeFill.objects.values_list("kind", flat=True)) == KINDS
    crowd = Crowd(players, chance)
    deadline = time.monotonic() + SECONDS + 3
    while time.monotonic() < deadline:
        waits = timekeeping.turn().wait_s
        seen.add(total(session))
        if not named and session_waits_for_the_host(session):
            host.eliminate(host=session.host, session=session, outcomes=[3], key="by-the-host")
            named = True
        time.sleep(waits)
    crowd.end()
    timekeeping.turn()
    host.resolve(host=session.host, session=session, winner=1)
    time.sleep(0.2)
    timekeeping.turn()

    assert seen == {constant}
    without_gap(session)
    session.market.refresh_from_db()
    assert session.market.status == Market.Status.RESOLVED
    on_time(session, "frozen", SECONDS * 1_000 // 3 - 300)
    on_time(session, "eliminate", SECONDS * 1_000 // 3)
    on_time(session, "ended", SECONDS * 1_000)
    kinds = Counter(OutcomeFill.objects.values_list("kind", flat=True))
    print(kinds, Command.objects.count(), OutcomeTick.objects.count())
    past_books_are_true(session)


def past_books_are_true(session: Session) -> None:
    """The book of any tick, as the tables tell it, is the one that a replay has at that tick."""
    walk = Walk(session)
    for taken in walk.steps():
        if taken.batch.number % 7 == 0:
            found = history.moment(session, taken.batch.number).book
            if walk.state.status != outcome.SETTLED:
                assert found == book_of(walk)


def session_waits_for_the_host(session: Session) -> bool:
    """Say whether the second round's time has come."""
    live = LiveState.objects.get(pk=session.market_id)
    gone = [n for n, row in enumerate(live.state["outcomes"]) if not row["active"]]
    due_ms = (session.started_ms or 0) + 2 * SECONDS * 1_000 // 3
    return gone == [4] and time.time() * 1_000 > due_ms + 100


@pytest.fixture
def clocks(books: None) -> Iterator[list[Process]]:
    """Return three clock processes that do not run yet."""
    url = database_url(str(connection.settings_dict["NAME"]))
    found = [Process("clock", DATABASE_URL=url) for _ in range(3)]
    yield found
    for one in found:
        one.remove()


def until(done: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Wait for something. Raises AssertionError if it does not come."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.05)


def all_once(session: Session, told: dict[str, str]) -> None:
    """Every answered order stands in the log once, and no other does."""
    log = Command.objects.filter(market_id=session.market_id, user__isnull=False)
    assert set(log.values_list("key", flat=True)) == set(told)


@pytest.mark.nightly
@pytest.mark.parametrize("count", [1, 3])
def test_killed_clocks_and_webs_cost_seconds_and_nothing_else(
    web: Web, clocks: list[Process], chance: random.Random, count: int
) -> None:
    options = LIVELY | {"default_max_slippage": None}
    session = running_session(outcomes=OUTCOMES, **options, total_duration_ms="3600000")
    swarm = crowd_of(session, web.port, scaled(6, BOTS), chance)
    constant = total(session)
    for process in clocks[:count]:
        process.start()
    swarm.start()
    until(OutcomeTick.objects.exists)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.5, 3))
        victim = chance.choice((web, *clocks[:count]))
        victim.kill()
        victim.start()
        assert total(session) == constant
    told = swarm.end()
    until(lambda: not Command.objects.filter(batch_seq=None).exists())

    print(f"{len(told)} orders, {OutcomeTick.objects.count()} ticks")
    all_once(session, told)
    assert total(session) == constant
    without_gap(session)


def resolved(session: Session) -> bool:
    """Say whether everybody has been paid."""
    return Market.objects.get(pk=session.market_id).status == Market.Status.RESOLVED


def test_killed_through_rounds_and_end_it_pays_everybody_once(
    web: Web, clocks: list[Process], chance: random.Random
) -> None:
    """Kills fall into freezes, eliminations, the end and the payout, whenever they come."""
    seconds = scaled(12, 60)
    third = seconds * 1_000 // 3
    session = running_session(
        outcomes=OUTCOMES,
        **LIVELY,
        rounds=[[str(third), "600", ["4"]], [str(2 * third), "600", ["3"]]],
        total_duration_ms=str(seconds * 1_000),
        planned_winner=1,
    )
    swarm = crowd_of(session, web.port, scaled(4, BOTS), chance)
    constant = total(session)
    for process in clocks[:2]:
        process.start()
    swarm.start()
    over, kills = time.monotonic() + PATIENCE_S + seconds, 0
    while not resolved(session):
        assert time.monotonic() < over
        time.sleep(chance.uniform(0.1, 1.2))
        victim = chance.choice((web, *clocks[:2]))
        victim.kill()
        victim.start()
        kills += 1
        # with the payout the pool goes back to whom it belongs to
        assert total(session) == constant or resolved(session)
    told = swarm.end()

    print(f"{kills} kills, {len(told)} orders, {OutcomeTick.objects.count()} ticks")
    all_once(session, told)
    without_gap(session)
    for kind, at_ms in (("frozen", third - 600), ("eliminate", third), ("ended", seconds * 1_000)):
        on_time(session, kind, at_ms)
    kinds = Counter(
        MarketEvent.objects.filter(market_id=session.market_id).values_list("kind", flat=True)
    )
    assert (kinds["eliminate"], kinds["ended"], kinds["resolved"]) == (2, 1, 1)
    past_books_are_true(session)


def test_one_key_from_many_threads_is_one_order() -> None:
    session = running_session()
    players = [joined(session) for _ in range(4)]
    names = [key() for _ in range(10)]

    def insist(n: int) -> Callable[[], int]:
        return lambda: ask(players[n % 4], "buy", "0y", "2", key_=names[n % 10]).id

    outcomes = together([insist(n) for n in range(40)])

    assert codes(outcomes) == {"ok": 40}
    assert Command.objects.filter(market=session.market).count() == 20
    ticked(session, 2)
    without_gap(session)


def test_a_broken_promise_halts_its_session_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sick, well = running_session(f="0.02"), running_session()
    for session in (sick, well):
        ask(joined(session), "buy", "0y", "5")
    real = outcome.check_invariants

    def check(config: outcome.Config, *others: Any) -> None:
        if config.fee_e9 == 20_000_000:
            raise EngineBug("10.2 broken")
        real(config, *others)

    monkeypatch.setattr(outcome, "check_invariants", check)
    with pytest.raises(InvariantBroken):
        ticked(sick, 1)
    assert ticked(well, 1) == 1
    assert ticked(sick, 2) == 0

    assert LiveState.objects.get(pk=sick.pk).halt_rule == "invariant"
    assert MarketEvent.objects.filter(market=sick.market, kind="halt").count() == 1
    assert not OutcomeTick.objects.filter(market=sick.market).exists()


def test_sessions_and_transfers_that_share_cash_never_wait_in_a_circle(
    chance: random.Random,
) -> None:
    people = [funded_user("3000") for _ in range(6)]
    sessions = [open_session(money="real", outcomes=3, batch_ms="100", z="1000") for _ in range(3)]
    players: list[tuple[Session, Participant]] = []
    for session in sessions:
        players += [(session, joined(session, f"P{n}", user)) for n, user in enumerate(people)]
        lobby.session_start(host=session.host, session=session)
    before = cash_of(people) + sum(total_house(session) for session in sessions)

    def trade(which: int) -> Callable[[], None]:
        choice = random.Random(chance.random())

        def run() -> None:
            for _ in range(15):
                _, player = choice.choice(players)
                price = f"{choice.randrange(30, 60) / 100:.2f}"
                ask(player, "buy", f"{choice.randrange(3)}{choice.choice('yn')}", "3", price=price)
                tick.advance(sessions[which % 3].market_id)

        return run

    outcomes = together([trade(n) for n in range(9)])

    assert codes(outcomes) == {"ok": 9}
    time.sleep(0.2)
    for session in sessions:
        tick.advance(session.market_id)
        without_gap(session)
    assert cash_of(people) + sum(total_house(session) for session in sessions) == before


def cash_of(people: list[User]) -> int:
    """Return what people have free."""
    rows = Account.objects.filter(user__in=people, market=None, kind="cash")
    return sum(rows.values_list("balance_micro", flat=True))


def total_house(session: Session) -> int:
    """Return what is in a session."""
    rows = Account.objects.filter(market_id=session.market_id)
    return sum(rows.values_list("balance_micro", flat=True))


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE exchange_holding SET free_micro = free_micro + 1 WHERE id = {holding}", "token"),
        ("UPDATE exchange_livestate SET state = jsonb_set(state, '{{z_e9}}', '1')", "I9"),
        ("UPDATE exchange_outcomeorder SET remaining_micro = remaining_micro - 10000"
         " WHERE joined > 0", "I8"),
        ("UPDATE exchange_account SET balance_micro = balance_micro + 1"
         " WHERE kind = 'play_fees'", "fees"),
        ("UPDATE exchange_livestate SET batch_seq = batch_seq + 1", "I10"),
    ],
)  # fmt: skip
def test_the_audit_names_what_was_changed_by_hand(sql: str, rule: str) -> None:
    session = running_session()
    player = joined(session)
    ask(player, "buy", "0y", "5")
    ask(player, "buy", "1y", "5", price="0.30")
    ticked(session, 1)
    holding = player.user.holdings.get().pk
    assert audit.examine() == []

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql.format(holding=holding))
        found = {str(finding["rule"]) for finding in audit.examine()}
        transaction.set_rollback(True)

    assert any(name.startswith(rule) for name in found), found
    assert usdc("5") == player.user.holdings.get().free_micro
