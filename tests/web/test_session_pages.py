"""The pages of a session: the way in, what each state shows, and orders without scripts."""

import pytest
from django.test import Client

from exchange import clock
from exchange.engines.engine import Rejected
from exchange.engines.units import PICO
from exchange.guests import cookie_name
from exchange.models import Command, Market, OutcomeOrder, Participant, Session, User
from exchange.selectors.outcome import access, portfolio
from exchange.services.sessions import drafts, lobby
from exchange.services.sessions import host as hosting
from exchange.views.session_previews import reason_of
from tests.factories import (
    ask,
    draft,
    funded_user,
    host_user,
    joined,
    open_session,
    running_session,
)
from tests.factories import ticked as tick
from tests.stillness import still_clock  # noqa: F401
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

MARKET = {"side": "buy", "outcome": "0", "token": "yes", "type": "market", "slippage": "50"}


@pytest.fixture
def session() -> Session:
    return running_session(gas_fee="0.25")


def _address(session: Session, rest: str = "") -> str:
    return f"/sessions/{session.code}/{rest}"


def _guest(client: Client, session: Session, name: str = "Zoe") -> Participant:
    """Join as a browser does, and return who that is."""
    assert client.post(_address(session, "join/"), {"name": name}).status_code == 302
    return Participant.objects.get(session=session, name=name)


def _order(client: Client, session: Session, **ticket: str) -> dict[str, str]:
    """Preview a ticket and return the form that confirms it."""
    page = client.post(_address(session, "preview/"), {**MARKET, **ticket})
    return form(page, _address(session, "orders/"))


def test_a_guest_joins_by_name_and_is_remembered(client: Client, session: Session) -> None:
    guest = _guest(client, session)
    cookie = client.cookies[cookie_name(session.code)]

    assert cookie["httponly"]
    assert session.code not in cookie.key
    assert "1 000.00" in text(client.get(_address(session))).replace("\u202f", " ")
    assert guest.user.is_guest
    assert "Take part" in text(Client().get(_address(session)))
    assert session.market.name in text(client.get("/sessions/"))
    assert session.market.name not in text(Client().get("/sessions/"))


def test_a_cookie_opens_its_own_session_alone(client: Client, session: Session) -> None:
    other = running_session()
    _guest(client, session)
    stolen = client.cookies[cookie_name(session.code)].value
    client.cookies[cookie_name(other.code)] = stolen

    assert client.post(_address(other, "orders/"), MARKET).status_code == 404
    assert not Command.objects.filter(market_id=other.pk).exists()


@pytest.mark.parametrize("name", ["zoe", "", "   ", "x" * 41, "a\u202eb"])
def test_a_name_is_refused_and_kept(client: Client, session: Session, name: str) -> None:
    joined(session, "Zoe")

    page = client.post(_address(session, "join/"), {"name": name})

    assert page.status_code == 422
    assert 'id="wrong_name"' in body(page)
    assert session.participants.count() == 1


def test_real_money_asks_for_an_account(client: Client, alice: User) -> None:
    session = open_session(money="real")

    assert "Sign in to take part" in text(client.get(_address(session)))
    assert "/accounts/login/" in client.post(_address(session, "join/"), {"name": "A"})["Location"]
    client.force_login(alice)
    assert client.post(_address(session, "join/"), {"name": "A"}).status_code == 302
    assert cookie_name(session.code) not in client.cookies
    client.force_login(session.host)
    assert "does not trade in it" in text(client.get(_address(session)))
    assert client.post(_address(session, "join/"), {"name": "B"}).status_code == 422


def test_who_comes_late_may_watch(client: Client) -> None:
    session = running_session(late_join=False)

    assert "takes nobody after its start" in text(client.get(_address(session)))
    refused = client.post(_address(session, "join/"), {"name": "Zoe"})
    assert refused.status_code == 422
    assert session.participants.count() == 0


def test_a_draft_is_there_for_its_host_alone(client: Client, alice: User) -> None:
    session = drafts.session_create(host=host_user(), draft=draft())
    for who in (None, alice, host_user()):
        if who:
            client.force_login(who)
        assert client.get(_address(session)).status_code == 404
        assert client.get(_address(session, "host/")).status_code in {302, 404}

    client.force_login(session.host)
    assert client.get(_address(session))["Location"] == _address(session, "host/")


def test_finds_a_session_by_code_or_link(client: Client, session: Session) -> None:
    for typed in (session.code, f" https://x.example/sessions/{session.code}/?outcome=1 "):
        assert client.post("/sessions/find/", {"code": typed})["Location"] == _address(session)

    missing = client.post("/sessions/find/", {"code": "nothing"})
    assert missing.status_code == 422
    assert "There is no session with this code" in text(missing)


def test_the_preview_is_what_the_receipt_says(client: Client, session: Session) -> None:
    guest = _guest(client, session)
    page = client.post(_address(session, "preview/"), {**MARKET, "size": "40"})
    said = text(page)
    confirm = form(page, _address(session, "orders/"))

    placed = client.post(_address(session, "orders/"), confirm)
    waiting = text(client.get(placed["Location"]))
    tick(session, 2)
    order = OutcomeOrder.objects.get(user_id=guest.user_id)
    receipt = text(client.get(placed["Location"]))

    assert "Your order waits for batch" in waiting
    assert "Filled 40 at" in receipt
    total = order.amount_micro + order.fee_micro + order.gas_micro
    cash, _ = portfolio.money(guest)
    assert cash == 1_000 * 10**6 - total
    assert f"Balance after {cash / 10**6:.6f}".rstrip("0").replace(",", " ") in said
    average = order.amount_micro * PICO // 40_000_000
    assert f"≈ 0.{str(average).zfill(12)[:4]}" in said
    assert "charged even when rejected 0.25" in said
    assert "Pays if right 40.00" in said


@pytest.mark.parametrize(
    ("default", "asked", "said", "sent"),
    [
        ("0.005", "", "your maximum 0.5 %", None),
        ("0.005", "50", "Worst average accepted 50", 500_000_000),
        (None, "", "Trade fee", None),
        (None, "0.1", "your maximum 0.1 %", 1_000_000),
    ],
)
def test_the_hosts_bound_holds_where_none_is_set(
    client: Client, default: str | None, asked: str, said: str, sent: int | None
) -> None:
    session, field = running_session(default_max_slippage=default), "0.5" if default else ""
    _guest(client, session)
    ticket = {**MARKET, "size": "100", "slippage": asked}

    page, preview = (
        client.get(_address(session)),
        client.post(_address(session, "preview/"), ticket),
    )
    client.post(_address(session, "orders/"), {**ticket, "key": "k" * 20})

    assert f'id="id_slippage" name="slippage" value="{field}"' in body(page)
    assert said in text(preview)
    assert ("Worst average accepted" in text(preview)) == said.startswith("Worst")
    assert Command.objects.get(market_id=session.pk).payload.get("max_slippage_e9") == sent


def test_an_order_acts_once_by_its_key(client: Client, session: Session) -> None:
    guest = _guest(client, session)
    confirm = _order(client, session, size="5")

    first, second = (client.post(_address(session, "orders/"), confirm) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert Command.objects.filter(user_id=guest.user_id).count() == 1
    changed = client.post(_address(session, "orders/"), {**confirm, "size": "6"})
    assert changed.status_code == 422


def test_a_refused_order_tells_why_and_what_it_cost(client: Client, session: Session) -> None:
    _guest(client, session)
    confirm = _order(client, session, size="40")
    placed = client.post(_address(session, "orders/"), {**confirm, "slippage": "0"})
    tick(session, 2)

    receipt = text(client.get(placed["Location"]))

    assert "Rejected" in receipt
    assert "you accept a difference of 0 %" in receipt
    assert "Gas 0.25 was charged" in receipt


def test_rests_and_is_taken_back(client: Client, session: Session) -> None:
    guest = _guest(client, session)
    confirm = _order(client, session, type="limit", price="0.1", size="10", auto_fill="on")
    placed = client.post(_address(session, "orders/"), confirm)
    tick(session, 2)
    page = client.get(_address(session))
    order = OutcomeOrder.objects.get(user_id=guest.user_id)

    assert "Rests in the book: 10 at 0.10" in text(client.get(placed["Location"]))
    assert "Buy 10 YES at 0.10 Ant · auto-fill" in text(page)
    cancel = _address(session, f"orders/{order.ref}/cancel/")
    stranger = Client()
    _guest(stranger, session, "Eve")
    stranger.post(cancel, {"key": "theirs"})
    tick(session, 3)
    order.refresh_from_db()
    assert order.status == "open"

    client.post(cancel, form(page, cancel))
    tick(session, 4)
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert "No order rests" in text(client.get(_address(session)))


def test_orders_of_others_do_not_exist(client: Client, session: Session) -> None:
    _guest(client, session)
    confirm = _order(client, session, size="1")
    receipt = client.post(_address(session, "orders/"), confirm)["Location"]
    stranger = Client()
    _guest(stranger, session, "Eve")

    for address in (receipt, f"{receipt}toast/"):
        assert client.get(address).status_code == 200
        assert stranger.get(address).status_code == 404
        assert Client().get(address).status_code == 404


@pytest.mark.parametrize(
    ("ticket", "field"),
    [
        ({"size": "ten"}, "id_size"),
        ({"size": "0"}, "id_size"),
        ({"size": "1", "type": "limit", "price": "half"}, "id_price"),
        ({"size": "1", "slippage": "x"}, "id_slippage"),
    ],
)
def test_says_at_the_field_what_is_wrong(
    client: Client, session: Session, ticket: dict[str, str], field: str
) -> None:
    _guest(client, session)

    page = client.post(_address(session, "preview/"), {**MARKET, **ticket})

    assert f'href="#{field}"' in body(page)
    assert "data-confirm" not in body(page)


@pytest.mark.parametrize(
    ("rejected", "words"),
    [
        (Rejected("insufficient_funds", {"needed_micro": 30_000_001, "cash_micro": 17_600_000}),
         "Need 12.41 more"),
        (Rejected("slippage", {"amount_micro": 5_250_000, "rebate_micro": 0, "filled_micro": 10**7,
                               "reference_pico": PICO // 2, "slippage_max_e9": 30_000_000}),
         "Estimated slippage 5 % > your maximum 3 %"),
        (Rejected("slippage", {"amount_micro": 4_500_000, "rebate_micro": 0, "filled_micro": 10**7,
                               "reference_pico": PICO // 2, "slippage_max_e9": 30_000_000}),
         "Estimated slippage 10 % > your maximum 3 %"),
        (Rejected("insufficient_tokens", {"needed_micro": 5_000_000, "held_micro": 3_500_000}),
         "Need 1.5 more tokens"),
        (Rejected("bad_size", {"size_micro": 1_005_000, "size_max_micro": 10**13}),
         "Sizes are multiples of 0.01"),
        (Rejected("bad_size", {"size_micro": 10**14, "size_max_micro": 10**13}),
         "At most 10\u202f000\u202f000 tokens"),
    ],
)  # fmt: skip
def test_the_button_carries_the_reason(rejected: Rejected, words: str) -> None:
    assert reason_of(rejected) == words


@pytest.mark.usefixtures("still_clock")
def test_each_phase_says_what_can_still_be_done(client: Client) -> None:
    session = running_session(
        outcomes=4, mr_enabled=True, rounds=[["5000", "2000", []]], total_duration_ms="10000"
    )
    host = session.host
    _guest(client, session)
    hosting.reduce_only(host=host, session=session, reason="Lunch", key="lunch-on")
    tick(session, 1)
    reducing = client.get(_address(session))
    assert "Reason given: “Lunch”" in text(reducing)
    assert 'name="side" value="sell" checked' in body(reducing)
    hosting.resume(host=host, session=session, key="lunch-off")
    tick(session, 4)
    frozen = text(client.get(_address(session)))
    assert "Frozen until the host names who goes" in frozen
    assert "Frozen: nothing trades now" in frozen

    tick(session, 12)
    with clock.shifted(12):
        hosting.eliminate(host=host, session=session, outcomes=[3], key="round-one")
    tick(session, 13)
    assert 'is-out" data-outcome="3"' in body(client.get(_address(session)))
    tick(session, 40)
    assert "Trading is over" in text(client.get(_address(session)))


def test_the_plan_is_told_to_the_host_alone(client: Client) -> None:
    session = running_session(
        outcomes=4, mr_enabled=True, rounds=[["60000", "2000", ["3"]]], planned_winner=1
    )
    page = text(client.get(_address(session)))
    assert "who goes is told then" in page
    assert "Dog out" not in page

    client.force_login(session.host)
    assert "Dog out" in text(client.get(_address(session)))


def test_fragments_show_nobody_elses_things(client: Client, session: Session) -> None:
    guest = joined(session, "Zoe")
    ask(guest, "buy", "0y", "10")
    ask(guest, "buy", "1n", "10", price="0.1")
    tick(session, 2)

    parts = {
        name: client.get(_address(session, f"parts/{name}/"))
        for name in ("head", "mine", "rows", "book", "trades", "people")
    }

    assert [p.status_code for p in parts.values()] == [200] * 6
    assert text(parts["mine"]).strip() == ""
    assert "market maker" in text(parts["trades"])
    assert client.get(_address(session, "parts/secrets/")).status_code == 404


def test_a_limit_says_its_place_and_what_it_takes(client: Client) -> None:
    session = running_session(gas_fee="0.1", f="0.01")
    _guest(client, session)
    other = joined(session)
    ask(other, "buy", "1y", "7", price="0.3")
    ask(other, "buy", "1y", "5", price="0.25")
    tick(session, 2)
    limit = {**MARKET, "outcome": "1", "type": "limit", "price": "0.25", "size": "10"}

    page = text(client.post(_address(session, "preview/"), limit))

    assert "Its place behind 7 at better prices, sharing with 5 at its own" in page
    assert "Set aside for it 2.525 USDC" in page
    assert "Expires with the trading or when Bee goes" in page
    assert "Trade fee stays with the market maker" in page
    assert "Gas for the site, charged even when rejected 0.10" in page


def test_a_sale_locks_tokens_and_keeps_their_average(client: Client, session: Session) -> None:
    guest = _guest(client, session)
    ask(guest, "buy", "0y", "10")
    tick(session, 2)
    sell = {**MARKET, "side": "sell", "type": "limit", "price": "0.9", "size": "4"}

    page = text(client.post(_address(session, "preview/"), sell))
    more = text(client.post(_address(session, "preview/"), {**MARKET, "size": "5"}))

    assert "Its place the best price" in page
    assert "Set aside for it 4 YES" in page
    assert "You hold after it 10 YES at 0.501" in page
    assert "You hold after it 15 YES at 0.501" in more


def test_a_refused_preview_names_the_gas(client: Client) -> None:
    session = running_session(gas_fee="0.1", starting_balance="2")
    _guest(client, session)

    page = text(client.post(_address(session, "preview/"), {**MARKET, "size": "40"}))

    assert "Sent even so it would cost 0.10 USDC of gas." in page


def test_the_ranking_of_the_moment_marks_the_visitor(client: Client, session: Session) -> None:
    _guest(client, session)
    for _ in range(11):
        ask(joined(session), "buy", "0y", "5")
    with clock.shifted(1):
        ask(joined(session), "buy", "1y", "5")
    tick(session, 3)

    page = text(client.get(_address(session, "parts/standing/")))

    assert "Zoe you 1 000.00" in page.replace("\u202f", " ")
    assert "of 13" in page


def test_the_book_shows_what_pairs_add(client: Client, session: Session) -> None:
    ask(joined(session), "buy", "1n", "10", price="0.2")
    tick(session, 2)

    page = text(client.get(_address(session, "parts/book/?outcome=1")))

    assert "Sell 0.80 10 10" in page
    assert "Buy 0.20 10" in page


def test_the_lobby_lists_people_and_escapes_them(client: Client) -> None:
    session = open_session()
    lobby.join(session=session, name="<b>Max</b>", user=None)

    page = body(client.get(_address(session)))

    assert "&lt;b&gt;Max&lt;/b&gt;" in page
    assert "<b>Max" not in page


def test_an_account_takes_part_as_itself(client: Client, session: Session) -> None:
    trader = funded_user("10", display_name="Trader")
    client.force_login(trader)
    client.post(_address(session, "join/"), {"name": "Tee"})

    assert access.participant(session, trader) is not None
    assert cookie_name(session.code) not in client.cookies
    assert "Tee" in text(client.get(_address(session)))
    assert Market.objects.get(pk=session.pk).status == Market.Status.RUNNING
