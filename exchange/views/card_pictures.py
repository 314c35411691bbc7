"""The pictures beside shared links: a session or a market as it stands now, for everybody."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from exchange import cards, figures
from exchange.engines.units import PICO
from exchange.models import Market
from exchange.selectors import access, markets
from exchange.selectors.outcome.sessions import OutcomeView, SessionView
from exchange.templatetags import sessions as words
from exchange.views.edge import page
from exchange.views.session_seat import Seat, seat_of, view_of

KEPT_S = 60
BEFORE = {"draft", "closed", "lobby"}
COLLECTING = {"funding", "void"}


@page
@require_safe
def session_card(request: HttpRequest, code: str) -> HttpResponse:
    """Return the picture of a session: who leads, or who has won."""
    seat = seat_of(request, code)
    # The host, who knows more, gets the picture that everybody gets.
    view = view_of(Seat(seat.session, None, None))
    return _answer(cards.Card(title=view.market.name, note=session_note(view), bars=_bars(view)))


@page
@require_safe
def market_card(_: HttpRequest, slug: str) -> HttpResponse:
    """Return the picture of a market: its question and its headline price."""
    market = access.market(slug)
    return _answer(cards.Card(title=market.name, note=market_note(market)))


def session_note(view: SessionView) -> str:
    """Say in a line where a session stands."""
    people = f"{view.participants} taking part"
    if view.session.winner is not None:
        return f"Resolved: {view.outcomes[view.session.winner].name} has won, {people}"
    if view.phase in BEFORE:
        return f"Join by name: {people}"
    if view.phase == "ended":
        return f"Trading is over, the result is being decided, {people}"
    return f"Live: {figures.usdc(view.volume_micro)} USDC traded, {people}"


def market_note(market: Market) -> str:
    """Say in a line what a market costs now."""
    view = markets.view(market)
    if str(view.state.status) in COLLECTING:
        return market.question
    return f"{figures.price(view.display_pico)} now. {market.question}"


def _bars(view: SessionView) -> list[cards.Bar]:
    winner = view.session.winner
    rows = [row for row in view.outcomes if row.is_active or row.number == winner]
    rows.sort(key=lambda row: (row.number != winner, -row.price_pico[0], row.number))
    return [_bar(row, has_won=row.number == winner) for row in rows]


def _bar(row: OutcomeView, *, has_won: bool) -> cards.Bar:
    price = PICO if has_won else row.price_pico[0]
    said = "won" if has_won else words.chance(price).replace(figures.GROUP, " ")
    return cards.Bar(
        name=row.name, figure=said, thousandths=words.thousandths(price), tone=row.colour
    )


def _answer(card: cards.Card) -> HttpResponse:
    kept = {"Cache-Control": f"public, max-age={KEPT_S}"}
    return HttpResponse(cards.drawn(card), content_type=cards.CONTENT_TYPE, headers=kept)
