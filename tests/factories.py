"""One line each for people with money and markets that trade; money only through the ledger."""

import itertools
import uuid
from typing import Any

from django.contrib.auth.models import Permission

from exchange import clock
from exchange.engines import outcome
from exchange.engines.units import parse_fixed
from exchange.ids import public_id
from exchange.models import Command, Market, Participant, RestingOrder, Session, User
from exchange.services import commands, ledger, markets
from exchange.services.batch import Receipt, Request
from exchange.services.outcome import orders as session_orders
from exchange.services.outcome import tick
from exchange.services.outcome.accept import Accepted
from exchange.services.sessions import drafts, lobby

_numbers = itertools.count(1)
NAMES = ("Ant", "Bee", "Cat", "Dog", "Eel", "Fox", "Gnu", "Hen", "Ibis", "Jay")
DRAFT_FIELDS = {"name", "labels", "summary", "money", "mode", "late_join", "planned_winner"}


def usdc(text: str) -> int:
    """Return micro-USDC for a decimal string."""
    return parse_fixed(text, 6)


def key() -> str:
    """Return an idempotency key nobody used."""
    return uuid.uuid4().hex


def funded_user(cash: str = "1000", **fields: Any) -> User:
    """Create a trader with that much cash."""
    number = next(_numbers)
    fields.setdefault("display_name", f"Trader {number}")
    user = User.objects.create_user(f"{uuid.uuid4().hex[:12]}@example.com", **fields)
    if parse_fixed(cash, 6):
        ledger.credit_external(
            user_id=user.pk, amount_micro=usdc(cash), kind="deposit", ref=uuid.uuid4().hex
        )
    return user


def open_market(slug: str | None = None, **parameters: Any) -> Market:
    """Create a market in funding."""
    number = next(_numbers)
    slug = slug or f"market-{number}"
    return markets.market_open(
        slug=slug,
        name=slug.replace("-", " ").title(),
        ticker=f"T{number}",
        unit="USDC per index point",
        question="Does the index rise?",
        summary="An index for tests.",
        rules="Follows the index.",
        topic="tests",
        parameters=parameters,
    )


def active_market(slug: str | None = None, *, pool: str = "10000", **parameters: Any) -> Market:
    """Create a market and fund it, so that it trades."""
    caps = {"soft_cap": pool, "hard_cap": str(max(int(pool), 25000))}
    market = open_market(slug, **{**caps, **parameters})
    contribute(funded_user(pool), market, pool)
    market.refresh_from_db()
    return market


def contribute(user: User, market: Market, amount: str, **options: Any) -> Receipt:
    """Put money into a market's pool."""
    payload = {"amount_micro": usdc(amount)}
    return _submit(user, market, "contribute", payload, **options)


def buy(user: User, market: Market, amount: str, **options: Any) -> Receipt:
    """Buy for an amount of USDC."""
    return _submit(user, market, "buy", {"amount_micro": usdc(amount)}, **options)


def buy_later(user: User, market: Market, amount: str) -> Command:
    """Leave a purchase in the log that no batch has taken yet."""
    asked = Request("buy", {"amount_micro": usdc(amount)}, key(), user.pk)
    return Command.objects.create(
        market=market,
        user=user,
        kind=asked.kind,
        key=asked.key,
        payload=asked.payload,
        request_hash=asked.digest,
    )


def sell(user: User, market: Market, shares_nano: int, **options: Any) -> Receipt:
    """Sell a number of shares."""
    return _submit(user, market, "sell", {"shares_nano": shares_nano}, **options)


def short(user: User, market: Market, shares: str, **options: Any) -> Receipt:
    """Sell shares that the user does not hold."""
    return sell(user, market, parse_fixed(shares, 9), **options)


def command(user: User, market: Market, kind: str, **payload: Any) -> Receipt:
    """Ask anything of a market, in the engine's words."""
    return _submit(user, market, kind, payload)


def limit(
    user: User, market: Market, intent: str, shares: str, price: str, **more: Any
) -> RestingOrder:
    """Leave a limit order and return its row."""
    sizes = {"shares_nano": parse_fixed(shares, 9), "price_pico": parse_fixed(price, 12)}
    receipt = command(user, market, "limit", intent=intent, **sizes, **more)
    return RestingOrder.objects.get(market=market, ref=receipt.result["id"])


def rested(user: User, market: Market) -> str:
    """Leave a limit order far from the price and return its public id."""
    return public_id("rst", limit(user, market, "open_long", "1", "9").pk)


def oracle_moves(market: Market, percent: int, times: int = 1) -> None:
    """Let the oracle report a change that many times, as sure as it can be."""
    report = {"delta_pico": percent * 10**10, "confidence_e8": 10**8}
    for _ in range(times):
        markets.oracle_apply(market_id=market.pk, reports=[report] * 3, ref=key())


def _submit(
    user: User, market: Market, kind: str, payload: dict[str, Any], key_: str | None = None
) -> Receipt:
    return commands.submit(
        market_id=market.pk, kind=kind, payload=payload, key=key_ or key(), user_id=user.pk
    )


def host_user(cash: str = "0") -> User:
    """Create somebody who may host sessions and nothing else."""
    host = funded_user(cash, display_name="Host")
    host.user_permissions.add(Permission.objects.get(codename="host_session"))
    return host


def draft(outcomes: int = 3, **parameters: Any) -> drafts.Draft:
    """Return what makes a session; what is no field of a draft is a parameter."""
    fields = {name: parameters.pop(name) for name in DRAFT_FIELDS & parameters.keys()}
    labels = [drafts.Label(name) for name in NAMES]
    defaults = {"name": "Cup", "labels": labels[:outcomes], "parameters": parameters}
    return drafts.Draft(**{**defaults, **fields})


def open_session(host: User | None = None, *, outcomes: int = 3, **options: Any) -> Session:
    """Create a session whose lobby is open."""
    host = host or host_user("20000" if options.get("money") == "real" else "0")
    session = drafts.session_create(host=host, draft=draft(outcomes, **options))
    lobby.lobby_open(host=host, session=session)
    return session


def running_session(host: User | None = None, **options: Any) -> Session:
    """Create a session that has started just now."""
    session = open_session(host, **options)
    lobby.session_start(host=session.host, session=session)
    return session


def joined(session: Session, name: str | None = None, user: User | None = None) -> Participant:
    """Let somebody take part: a guest unless there is an account."""
    return lobby.join(session=session, name=name or f"Guest {next(_numbers)}", user=user)[0]


def ask(participant: Participant, side: str, token: str, size: str, **options: Any) -> Accepted:
    """Leave an order in a session's log. A token is written like 0y or 2n."""
    price, slippage = options.pop("price", None), options.pop("max_slippage", None)
    participant.session.refresh_from_db()
    participant.session.market.refresh_from_db()
    return session_orders.order_place(
        participant=participant,
        side=side,
        outcome_no=int(token[:-1]),
        token=outcome.YES if token.endswith("y") else outcome.NO,
        size_micro=usdc(size),
        price_micro=None if price is None else usdc(price),
        max_slippage_e9=None if slippage is None else parse_fixed(slippage, 9),
        key=options.pop("key_", None) or key(),
        **options,
    )


def ticked(session: Session, seconds: int) -> int:
    """Take the ticks that are due so long from now; return how many left a trace."""
    with clock.shifted(seconds):
        return tick.advance(session.market_id)
