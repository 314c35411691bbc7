"""What pages and programs read of a session: clock, book, worth, ranking, preview, any tick."""

import pytest

from exchange import clock
from exchange.engines import outcome
from exchange.engines.units import MICRO
from exchange.models import OutcomeOrder, Participant, Session, User
from exchange.selectors.outcome import (
    book,
    exports,
    graph,
    history,
    portfolio,
    quotes,
    ranking,
    sessions,
)
from exchange.services.outcome import orders
from exchange.services.outcome.replay import Walk
from exchange.services.sessions import host
from tests.factories import ask, joined, key, open_session, running_session, ticked, usdc
from tests.past import book_of
from tests.stillness import still_clock  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]


@pytest.fixture
def lively() -> tuple[Session, list[Participant]]:
    """Return a session in which all ways to trade have been used."""
    session = running_session(gas_fee="0.1", z="3000")
    ann, ben, cat = (joined(session, name) for name in ("Ann", "=Ben", "Cat"))
    ask(cat, "buy", "0n", "150")
    ask(ann, "buy", "0y", "100", price="0.45")
    ask(ben, "buy", "0n", "60", price="0.55")
    ask(cat, "buy", "1y", "50")
    ticked(session, 1)
    with clock.shifted(1):
        ask(ben, "buy", "2n", "30", price="0.40", auto_fill=True)
        ask(ann, "sell", "0y", "20", price="0.60")
        ask(cat, "sell", "1n", "5")
    ticked(session, 2)
    return _again(session), [_player(session, p) for p in (ann, ben, cat)]


def _again(session: Session) -> Session:
    return Session.objects.select_related("market__live").get(pk=session.pk)


def _player(session: Session, player: Participant) -> Participant:
    return Participant.objects.select_related("session__market__live", "user").get(pk=player.pk)


def test_the_clock_says_what_comes_next() -> None:
    session = running_session(
        outcomes=5, mr_enabled=True, rounds=[["5000", "2000", ["4"]], ["9000", "0", []]]
    )
    told, views = [], []
    for second in (1, 4, 6, 10):
        ticked(session, second)
        with clock.shifted(second):
            view = sessions.view(_again(session), session.host)
        views.append(view)
        assert view.coming is not None
        told.append((view.phase, view.coming.kind, view.coming.at_ms, view.coming.outcomes))

    assert told == [
        ("running", "freeze", 3_000, (4,)),
        ("frozen", "elimination", 5_000, (4,)),
        ("running", "choice", 9_000, ()),
        ("frozen", "choice", 9_000, ()),
    ]
    assert [row.is_active for row in views[-1].outcomes] == [True] * 4 + [False]
    assert views[-1].tick_number == 10
    assert 0 < views[-1].next_tick_ms <= 1_000


def test_who_will_be_out_is_for_the_host_to_know_until_the_end() -> None:
    session = running_session(
        outcomes=5, mr_enabled=True, rounds=[["5000", "2000", ["4"]]], planned_winner=1
    )
    stranger = joined(session).user

    def told(viewer: User | None) -> tuple[object, ...]:
        view = sessions.view(_again(session), viewer)
        named = view.coming.outcomes if view.coming else ()
        return named, view.parameters["rounds"], view.planned_winner

    hidden = ((), [["5000", "2000", []]], None)
    assert told(None) == told(stranger) == hidden
    assert told(session.host) == ((4,), [["5000", "2000", ["4"]]], 1)
    ticked(session, 601)
    assert told(None) == ((), [["5000", "2000", ["4"]]], 1)


def test_a_lobby_shows_the_launch_and_the_makers_certain_loss() -> None:
    session = open_session(z="9000", kappa_start="0")

    view = sessions.view(_again(session))

    assert (view.phase, view.now_ms, view.coming) == ("lobby", 0, None)
    assert view.sum_yes_pico == 3 * view.outcomes[0].price_pico[0]
    assert view.basket.loss_micro == 176_356_121


def test_the_book_has_what_minting_and_merging_add(
    lively: tuple[Session, list[Participant]],
) -> None:
    session, (ann, *_) = lively
    found = {(b.outcome, b.token): b for b in book.book(session)}
    resting = OutcomeOrder.objects.get(user=ann.user, price_micro=usdc("0.45"))

    yes, no = found[0, outcome.YES], found[0, outcome.NO]
    assert yes.bids[0] == book.Level(usdc("0.45"), resting.remaining_micro, 0, 1)
    assert no.asks[0] == book.Level(usdc("0.55"), resting.remaining_micro, usdc("40"), 1)
    assert yes.asks[0] == book.Level(usdc("0.60"), usdc("20"), 0, 1)
    assert no.bids[0] == book.Level(usdc("0.40"), usdc("20"), usdc("20"), 1)


def test_worth_and_cost_are_of_the_right_token(
    lively: tuple[Session, list[Participant]],
) -> None:
    _, (ann, ben, _) = lively
    mine, theirs = portfolio.portfolio(ann), portfolio.portfolio(ben)

    (yes,) = mine.holdings
    no = next(row for row in theirs.holdings if row.outcome == 0)
    assert (yes.token, yes.size_micro, yes.locked_micro) == (outcome.YES, usdc("60"), usdc("20"))
    assert (no.token, no.size_micro) == (outcome.NO, usdc("60"))
    assert (yes.average_pico, no.average_pico) == (450_000 * MICRO, 550_000 * MICRO)
    liquid = mine.cash_micro + mine.reserved_micro
    assert mine.if_wins == {0: liquid + usdc("60"), 1: liquid, 2: liquid}
    assert mine.open_orders == 2


def test_the_ranking_is_what_the_books_come_to(
    lively: tuple[Session, list[Participant]],
) -> None:
    session, players = lively
    rows = {row.name: row for row in ranking.ranking(session)}

    for player in players:
        row = rows[player.name]
        assert row.final_micro == portfolio.portfolio(player).worth_micro
        assert row.gas_micro == {"Cat": usdc("0.3")}.get(player.name, usdc("0.2"))
        assert row.gain_e8 == row.gain_micro * 10**8 // usdc("1000")
    assert sorted(row.place for row in rows.values()) == [1, 2, 3]


def test_the_last_ranking_is_money_alone(lively: tuple[Session, list[Participant]]) -> None:
    session, _ = lively
    ticked(session, 601)
    host.resolve(host=session.host, session=session, winner=0)
    ticked(session, 602)

    rows = {row.name: row for row in ranking.ranking(_again(session))}
    session.refresh_from_db()
    assert session.maker_micro is not None
    gained = sum(row.gain_micro for row in rows.values())
    assert gained == usdc("3000") - session.maker_micro - usdc("0.7")


@pytest.mark.parametrize(
    ("side", "token", "size", "more"),
    [
        ("buy", "0y", "75", {}),
        ("buy", "1n", "40", {"price_micro": 600_000}),
        ("sell", "0y", "30", {}),
        ("sell", "0y", "10", {"price_micro": 440_000}),
        ("buy", "2y", "30", {"price_micro": 100_000}),
        ("buy", "0y", "9000", {}),
        ("sell", "2y", "1", {}),
        ("buy", "0y", "20", {"max_slippage_e9": 1}),
    ],
)
def test_a_preview_is_what_the_tick_then_does(
    lively: tuple[Session, list[Participant]],
    side: str,
    token: str,
    size: str,
    more: dict[str, int],
) -> None:
    session, (ann, *_) = lively
    payload = {"side": side, "outcome": int(token[0]), "token": int(token[1] == "n")}
    payload |= {"size_micro": usdc(size), **more}
    with clock.shifted(2):
        told = quotes.preview(session, ann, payload)
        taken = ask(
            ann, side, token, size,
            price=f"{more['price_micro'] / 10**6:.2f}" if "price_micro" in more else None,
            max_slippage="0.000000001" if "max_slippage_e9" in more else None,
        )  # fmt: skip
    before = portfolio.money(ann)
    ticked(session, 3)

    answer = ann.user.commands.get(pk=taken.id).result
    assert answer is not None
    after = portfolio.money(ann)
    assert told.tick == taken.tick
    assert after[0] - before[0] == told.cash_micro
    assert after[1] - before[1] == told.locked_micro
    if told.refused:
        assert answer["code"] == told.refused.code
    else:
        assert told.order is not None
        assert answer["filled_micro"] == told.order.filled_micro
        assert answer["amount_micro"] == told.order.amount_micro


def test_a_round_trip_is_never_a_gain(lively: tuple[Session, list[Participant]]) -> None:
    session, (ann, *_) = lively
    payload = {"side": "buy", "outcome": 1, "token": 0, "size_micro": usdc("50")}

    told = quotes.preview(session, ann, payload)

    assert 0 < told.exit_micro < -told.cash_micro
    assert told.pays_micro == usdc("50")


def test_a_visitor_may_look_at_a_preview(lively: tuple[Session, list[Participant]]) -> None:
    payload = {"side": "buy", "outcome": 1, "token": 1, "size_micro": usdc("5")}

    told = quotes.preview(lively[0], None, payload)

    assert told.order is not None
    assert told.order.status == outcome.FILLED


def test_any_tick_can_be_seen_again(lively: tuple[Session, list[Participant]]) -> None:
    session, (ann, *_) = lively
    resting = OutcomeOrder.objects.filter(market=session.market, user=ann.user).earliest("ref")
    with clock.shifted(2):
        orders.order_cancel(participant=ann, ref=resting.ref, key=key())
        ask(ann, "buy", "2n", "5", price="0.41")
    ticked(session, 3)

    walk = Walk(session)
    seen = [history.moment(session, number) for number in range(5)]

    for taken, moment in zip(walk.steps(), seen[1:4], strict=True):
        assert moment.book == book_of(walk)
        assert moment.tick is not None
        first = walk.state.outcomes[0]
        assert moment.tick.prices[0] == [first.yes_pico, first.no_pico]
        assert len(moment.fills) == len(taken.done.fills)
    assert (seen[4].book, seen[4].fills) == (seen[3].book, [])
    assert seen[3].book == book.book(_again(session))
    assert seen[0].tick is None
    assert all(not row.bids and not row.asks for row in seen[0].book)


def test_a_graph_has_its_last_point_however_few(
    lively: tuple[Session, list[Participant]],
) -> None:
    session, _ = lively
    for second in range(3, 9):
        with clock.shifted(second - 1):
            ask(lively[1][0], "buy", "1y", "1")
        ticked(session, second)

    every, few = (graph.sampled(_again(session), most) for most in (1_000, 3))

    assert [point.number for point in every] == list(range(1, 9))
    assert few[-1] == every[-1]
    assert len(few) <= 3
    assert every[-1].volume_micro == sessions.view(_again(session)).volume_micro


def test_exports_are_exact_and_harmless(lively: tuple[Session, list[Participant]]) -> None:
    session, (ann, *_) = lively
    for make in exports.PUBLIC.values():
        header, rows = make(session)
        found = list(rows)
        assert found
        assert {len(row) for row in found} == {len(header)}
    header, rows = exports.orders(ann)
    assert all(len(row) == len(header) for row in rows)
