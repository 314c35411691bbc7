"""Every way in which a session refuses an order: the API and the page tell it in the same words."""

import html
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client

from exchange import clock, refusals
from exchange.models import Command, Participant, Session
from exchange.services.sessions import host
from tests.api.caller import Caller
from tests.factories import ask, funded_user, joined, key, running_session, ticked
from tests.test_refusals_sessions import OF_ORDERS
from tests.web.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited", "still_clock")]

Before = Callable[[Session, Participant], None]
Row = tuple[str, Mapping[str, Any], Mapping[str, Any], Before | None]
BUY = {"side": "buy", "outcome": 0, "token": "yes", "size": "5"}
SELL = {**BUY, "side": "sell"}


def _reduced(session: Session, _: Participant) -> None:
    host.reduce_only(host=session.host, session=session, reason="breath", key="reduce-1")


def _paired(session: Session, player: Participant) -> None:
    ask(player, "buy", "0y", "10", price="0.49")
    ask(joined(session), "buy", "0n", "10", price="0.51")


ROUND = {"outcomes": 4, "mr_enabled": True}
# The code, parameters of the session, the order, and what comes before it.
ROWS: tuple[Row, ...] = (
    ("frozen", {**ROUND, "rounds": [["9000", "8000", ["3"]]]}, BUY, None),
    ("reduce_only", {}, BUY, _reduced),
    ("inactive_outcome", {**ROUND, "rounds": [["1000", "0", ["0"]]]}, BUY, None),
    ("bad_size", {}, {**BUY, "size": "0.005"}, None),
    ("bad_price", {}, {**BUY, "price": "0.555"}, None),
    ("insufficient_funds", {"starting_balance": "2"}, BUY, None),
    ("insufficient_tokens", {}, SELL, None),
    ("above_par", {}, {**BUY, "size": "8000"}, None),
    ("no_liquidity", {"kappa_start": "100"}, SELL, _paired),
    ("slippage", {}, {**BUY, "size": "600", "max_slippage": "0.001"}, None),
)


def test_every_refusal_of_an_order_has_its_row() -> None:
    assert {code for code, *_ in ROWS} == OF_ORDERS


@pytest.mark.parametrize(("code", "options", "order", "before"), ROWS, ids=[r[0] for r in ROWS])
def test_it_is_told_by_the_api_and_on_the_page(
    code: str, options: dict[str, Any], order: dict[str, Any], before: Before | None
) -> None:
    session = running_session(gas_fee="0.25", **options)
    player = joined(session, "Ann", funded_user("0"))
    caller, client = Caller(player.user), Client()
    client.force_login(player.user)
    if before is not None:
        before(session, player)
    ticked(session, 2)
    one = f"sessions/{session.code}/"
    with clock.shifted(2):
        told = caller.post(f"{one}orders/preview/", order).json["refused"]
        taken = caller.post(f"{one}orders/", order, Idempotency_Key=key())
    assert taken.status == 202
    ticked(session, 3)

    receipt = caller.get(f"{one}orders/{taken.json['id']}/").json
    result = Command.objects.latest("id").result or {}
    words = refusals.sentence(code, result["fields"])
    assert (receipt["status"], receipt["answer"]) == ("refused", None)
    assert (receipt["refused"]["code"], receipt["refused"]["message"]) == (code, words)
    assert told["code"] == code
    page = client.get(f"/{one}orders/{taken.json['id']}/")
    assert _plain(words) in _plain(text(page))
    assert result["fields"]["gas_micro"] == 250_000


def _plain(words: str) -> str:
    return " ".join(html.unescape(words).split())
