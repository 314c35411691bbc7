"""Whoever rested in a mint or merge sees their own token, price and amount, wherever they look."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from exchange import clock
from exchange.guests import cookie_name
from exchange.ids import public_id
from exchange.models import OutboxEvent, Participant
from exchange.selectors.outcome import portfolio
from exchange.services.sessions import lobby
from tests.api.caller import Caller
from tests.factories import ask, joined, running_session, ticked
from tests.stillness import still_clock  # noqa: F401
from tests.web.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]

Own = dict[str, Any]


@dataclass
class Guest:
    """A participant and everywhere they can look; what they asked last is what is looked for."""

    participant: Participant
    secret: str
    orders: list[str] = field(default_factory=list)

    def ask(self, *order: str, **more: str) -> None:
        self.orders.append(public_id("ord", ask(self.participant, *order, **more).id))

    def by_program(self, kind: str) -> Own:
        code = self.participant.session.code
        rows = Caller(secret=self.secret).get(f"sessions/{code}/mine/trades/").json["results"]
        (row,) = (row for row in rows if row["kind"] == kind)
        row["price"] = row["price"].removesuffix("000000")
        return {name: row[name] for name in (*NAMES, "fee")}

    def by_socket(self, kind: str) -> Own:
        news = OutboxEvent.objects.latest("id").private[str(self.participant.user_id)]
        (row,) = (row for row in news["fills"] if row["kind"] == kind)
        return {name: row[name] for name in NAMES}

    def by_receipt(self) -> str:
        code, client = self.participant.session.code, Client()
        client.cookies[cookie_name(code)] = self.secret
        page = text(client.get(f"/sessions/{code}/orders/{self.orders[-1]}/"))
        return page.partition("With Tokens Price USDC ")[2]


NAMES = ("kind", "side", "outcome", "token", "size", "price", "amount")


def _two(**options: Any) -> tuple[Guest, Guest]:
    session = running_session(f_match="0.02", z="3000", **options)
    ann, ben = (lobby.join(session=session, name=name, user=None) for name in ("Ann", "Ben"))
    return Guest(ann[0], ann[1] or ""), Guest(ben[0], ben[1] or "")


def _minted() -> tuple[Guest, Guest]:
    ann, ben = _two()
    ask(joined(ann.participant.session), "buy", "0n", "150")
    _mint(ann, ben)
    ticked(ann.participant.session, 1)
    return ann, ben


def _merged() -> tuple[Guest, Guest]:
    """Let a third lift the prices above one another's pairs, and leave again."""
    ann, ben = _two(initial_price="0.40")
    session, cat = ann.participant.session, joined(ann.participant.session)
    lifts = {"0y": "450", "0n": "700"}
    for token, size in lifts.items():
        ask(cat, "buy", token, size)
    _mint(ann, ben)
    for token, size in lifts.items():
        ask(cat, "sell", token, size)
    ticked(session, 1)
    with clock.shifted(1):
        ann.ask("sell", "0y", "20", price="0.42")
        ben.ask("sell", "0n", "60", price="0.41")
    ticked(session, 2)
    return ann, ben


def _mint(ann: Guest, ben: Guest) -> None:
    ann.ask("buy", "0y", "60", price="0.45")
    ben.ask("buy", "0n", "60", price="0.55")


def _own(kind: str, side: str, token: str, *figures: str) -> Own:
    size, price, amount = figures
    return {
        "kind": kind, "side": side, "outcome": 0, "token": token,
        "size": size, "price": price, "amount": amount,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("make", "of_ann", "of_ben", "receipts"),
    [
        (
            _minted,
            (_own("mint", "buy", "yes", "60.000000", "0.450000", "27.000000"), "0.270000"),
            (_own("mint", "buy", "no", "60.000000", "0.550000", "33.000000"), "0.330000"),
            ("a buyer of the other token 60 0.4500 27.00",
             "a buyer of the other token 60 0.5500 33.00"),
        ),
        (
            _merged,
            (_own("merge", "sell", "yes", "20.000000", "0.420000", "8.400000"), "0.084000"),
            (_own("merge", "sell", "no", "20.000000", "0.580000", "11.600000"), "0.116000"),
            ("a seller of the other token 20 0.4200 8.40",
             "a seller of the other token 20 0.5800 11.60"),
        ),
    ],
)  # fmt: skip
def test_each_of_two_sees_their_own_side(
    make: Any, of_ann: tuple[Own, str], of_ben: tuple[Own, str], receipts: tuple[str, str]
) -> None:
    both = make()

    for guest, (own, fee), receipt in zip(both, (of_ann, of_ben), receipts, strict=True):
        assert guest.by_program(own["kind"]) == {**own, "fee": fee}
        assert guest.by_socket(own["kind"]) == own
        assert receipt in guest.by_receipt()


def test_what_a_trade_shows_is_what_it_cost() -> None:
    """The sum of the executions is what the holdings have cost, by another way of reckoning."""
    for guest in _minted():
        (held,) = portfolio.portfolio(guest.participant).holdings
        own = guest.by_program("mint")
        assert own["amount"] == f"{held.cost_micro / 1_000_000:.6f}"
        assert own["token"] == ("yes", "no")[held.token]
