"""Max and the other quick sizes of a session's ticket: all that goes, and not one lot more."""

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.engines import outcome
from exchange.models import Participant, Session
from exchange.selectors.outcome import portfolio, quotes, sizes
from tests.factories import ask, joined, running_session
from tests.factories import ticked as tick
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

TICKET = {"side": "buy", "outcome": "0", "token": "yes", "type": "market", "slippage": "500"}
ANY = 10**12


@pytest.fixture
def session() -> Session:
    return running_session(gas_fee="0.25")


def _order(**more: Any) -> dict[str, Any]:
    return {"side": "buy", "outcome": 0, "token": 0, "max_slippage_e9": ANY, **more}


def _spent(who: Participant, order: dict[str, Any]) -> int | None:
    """Return what an order takes from the balance, or None where it is refused."""
    found = quotes.preview(who.session, who, order)
    return None if found.refused else -found.cash_micro


def _is_the_largest(who: Participant, order: dict[str, Any], percent: int) -> sizes.Largest:
    found = sizes.largest(who.session, who, order, percent)
    budget = portfolio.money(who)[0] * percent // 100
    if found.size_micro:
        spent = _spent(who, {**order, "size_micro": found.size_micro})
        assert spent is not None
        assert spent <= budget
    more = _spent(who, {**order, "size_micro": found.size_micro + outcome.LOT})
    assert more is None or more > budget
    return found


@pytest.mark.parametrize("more", [{}, {"price_micro": 620_000}, {"outcome": 1, "token": 1}])
@pytest.mark.parametrize("percent", [25, 50, 75, 100])
def test_no_lot_more_goes(session: Session, more: dict[str, Any], percent: int) -> None:
    who = joined(session)
    for n, price in enumerate(("0.55", "0.58", "0.6")):
        other = joined(session)
        ask(other, "buy", "0n", str(10 + n), price=price)
    tick(session, 2)
    session.refresh_from_db()
    order = _order(**more)
    if "price_micro" in more:
        del order["max_slippage_e9"]

    found = _is_the_largest(who, order, percent)

    assert found.size_micro > 0
    assert found.stopped_by == ""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_asked_the_largest_goes(session: Session, data: st.DataObject) -> None:
    who = joined(session)
    order = _order(
        outcome=data.draw(st.integers(0, 2)),
        token=data.draw(st.integers(0, 1)),
        max_slippage_e9=data.draw(st.integers(0, 10**9)),
    )
    if data.draw(st.booleans()):
        del order["max_slippage_e9"]
        order["price_micro"] = data.draw(st.integers(1, 99)) * 10_000

    found = _is_the_largest(who, order, data.draw(st.sampled_from([1, 25, 50, 75, 100])))

    assert found.stopped_by in {"", "slippage", "above_par"}


def test_a_size_holds_while_parameters_move() -> None:
    session = running_session(kappa_start="0.00001", kappa_end="0.01", total_duration_ms="20000")
    who = joined(session)

    found = sizes.largest(session, who, _order(), 100)

    later = quotes.table(session, who)
    soon_ms = later.now_ms + sizes.HOLDS_MS - 2_000
    result, _ = later.tried(_order(size_micro=found.size_micro), soon_ms)
    assert isinstance(result, outcome.Placed)


def test_max_fills_the_ticket_and_is_filled(client: Client, session: Session) -> None:
    address = f"/sessions/{session.code}/"
    client.post(f"{address}join/", {"name": "Zoe"})
    page = client.post(
        f"{address}preview/", {**TICKET, "share": "100"}, headers={"HX-Request": "true"}
    )
    size = re.search(r'data-size="([\d.]+)"', body(page))
    confirm = form(page, f"{address}orders/")

    assert size is not None
    assert confirm["size"] == size[1]
    assert "Need" not in text(page)
    assert "you could not sell before the end" in text(page)
    client.post(f"{address}orders/", confirm)
    tick(session, 2)
    who = Participant.objects.get(session=session, name="Zoe")
    left, _ = portfolio.money(who)
    assert portfolio.trader(who).held_micro[0] > 0
    assert 0 <= left < 10_000  # less than any lot costs


def test_max_says_what_is_in_the_way(client: Client, session: Session) -> None:
    address = f"/sessions/{session.code}/"
    client.post(f"{address}join/", {"name": "Zoe"})

    asked = {**TICKET, "slippage": "2", "share": "100"}
    tight = client.post(f"{address}preview/", asked, headers={"HX-Request": "true"})
    plain = client.post(f"{address}preview/", {**TICKET, "share": "100"})
    wrong = client.post(f"{address}preview/", {**asked, "slippage": "x"})
    nobody = Client().post(f"{address}preview/", {**TICKET, "share": "100"})

    assert "More would slip further than the maximum you set" in text(tight)
    assert "data-confirm" in body(tight)
    assert "data-confirm" in body(plain)
    assert 'href="#id_slippage"' in body(wrong)
    assert "data-confirm" not in body(nobody)


def test_a_share_of_what_is_held_is_sold(session: Session) -> None:
    who = joined(session)
    ask(who, "buy", "0y", "10.01")
    tick(session, 2)

    shares = [sizes.largest(session, who, _order(side="sell"), n).size_micro for n in (25, 50, 100)]

    assert shares == [2_500_000, 5_000_000, 10_010_000]
    assert sizes.largest(session, who, _order(side="sell", outcome=1), 100).size_micro == 0


def test_without_money_the_reason_is_told(client: Client) -> None:
    session = running_session(starting_balance="0", gas_fee="0.25")
    address = f"/sessions/{session.code}/"
    client.post(f"{address}join/", {"name": "Poor"})

    page = client.post(
        f"{address}preview/", {**TICKET, "share": "100"}, headers={"HX-Request": "true"}
    )

    assert "Need" in text(page)
    assert 'data-size="0.01"' in body(page)
