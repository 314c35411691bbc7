"""A session as its pages and the API show it: where it stands, its clock, prices, and risk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from exchange import clock
from exchange.engines import outcome
from exchange.models import LiveState, Market, MarketEvent, Participant, Session, User
from exchange.selectors.outcome import configs
from exchange.selectors.outcome.rounds import next_round

HALTED, REDUCING, FROZEN = "halted", "reduce_only", "frozen"
PEOPLE_MAX = 200
OVER = (Market.Status.ENDED, Market.Status.RESOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """One outcome: its looks, published prices, and what the market maker asks and bids.

    Pairs are (YES, NO); of an outcome out of play all are zero.
    """

    number: int
    name: str
    colour: str
    icon: str
    picture: str
    is_active: bool
    has_won: bool
    price_pico: tuple[int, int]
    ask_pico: tuple[int, int]
    bid_pico: tuple[int, int]
    launch_pico: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What the clock brings next: `freeze`, `elimination`, `choice`, or `end`.

    A `choice` is an elimination whose outcomes are for the host to name. `at_ms` is on the clock
    of the session.
    """

    kind: str
    at_ms: int
    outcomes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """Everything about a session that does not hang on who looks.

    `phase` is one word for where it stands: the market's status, or while it runs `reduce_only`,
    `frozen` or `halted`. Times are on the session's clock, in milliseconds since its start.
    Who will be eliminated, and who is planned to win, is for the host to know until the end:
    `parameters` and `coming` tell others no names.
    """

    session: Session
    market: Market
    live: LiveState
    config: outcome.Config
    state: outcome.MarketState
    phase: str
    outcomes: Sequence[OutcomeView]
    participants: int
    volume_micro: int
    risk_micro: int
    profit_micro: int
    now_ms: int
    tick_number: int
    next_tick_ms: int
    coming: Upcoming | None
    parameters: dict[str, Any]
    planned_winner: int | None
    report: outcome.Report
    is_told: bool

    @property
    def sum_yes_pico(self) -> int:
        """The sum of the published YES prices: 1 USDC where they are probabilities."""
        return sum(row.price_pico[outcome.YES] for row in self.outcomes)

    @property
    def left_ms(self) -> int:
        """How long trading goes on at most."""
        return max(0, self.config.total_duration_ms - self.now_ms)

    @property
    def basket(self) -> outcome.Basket:
        """The maker's certain loss at launch to who buys every NO."""
        return outcome.worst_basket(self.config)


def view(session: Session, viewer: User | None = None) -> SessionView:
    """Return a session as of its newest tick, its clock as of now, with what `viewer` may know."""
    market, live = session.market, session.market.live
    config = configs.config_of(market.config)
    state = outcome.MarketState.from_mapping(live.state)
    now_ms = elapsed_ms(session, config)
    report = outcome.report(config, state, now_ms)
    interval = config.batch_ms
    is_told = market.status in OVER or (viewer is not None and viewer.pk == session.host_id)
    return SessionView(
        session=session,
        market=market,
        live=live,
        config=config,
        state=state,
        phase=phase_of(market, live, state),
        outcomes=tuple(_outcomes(session, config, state, report)),
        participants=session.participants.count(),
        volume_micro=int(live.last_tick.get("volume_micro", 0)),
        risk_micro=report.risk_micro,
        profit_micro=report.profit_micro,
        now_ms=now_ms,
        tick_number=now_ms // interval,
        next_tick_ms=interval - now_ms % interval,
        coming=coming(market, config, state, now_ms, is_told=is_told),
        parameters=parameters(market, is_told=is_told),
        planned_winner=session.planned_winner if is_told else None,
        report=report,
        is_told=is_told,
    )


def fresh(session: Session) -> Session:
    """Return a session as it stands in the tables now."""
    return Session.objects.select_related("market__live", "host").get(pk=session.pk)


def elapsed_ms(session: Session, config: outcome.Config) -> int:
    """Return how long a session has run, to its end at most where it has ended."""
    if session.started_ms is None:
        return 0
    elapsed = max(0, clock.now_ms() - session.started_ms)
    if session.ended_at is not None or session.resolved_at is not None:
        return min(elapsed, config.total_duration_ms)
    return elapsed


def phase_of(market: Market, live: LiveState, state: outcome.MarketState) -> str:
    """Return the one word for where a session stands."""
    if live.halt_rule:
        return HALTED
    if market.status != Market.Status.RUNNING:
        return str(market.status)
    if state.status == outcome.FROZEN:
        return FROZEN
    return REDUCING if live.reduce_only_since is not None else str(market.status)


def coming(
    market: Market,
    config: outcome.Config,
    state: outcome.MarketState,
    now_ms: int,
    *,
    is_told: bool,
) -> Upcoming | None:
    """Return what the clock of a running session brings next."""
    if market.status != Market.Status.RUNNING:
        return None
    scheduled = next_round(config, state)
    if scheduled is None or scheduled.at_ms > config.total_duration_ms:
        return Upcoming("end", config.total_duration_ms)
    gone = scheduled.outcomes if is_told else ()
    freezes_ms = scheduled.at_ms - scheduled.freeze_ms
    if state.status != outcome.FROZEN and scheduled.freeze_ms and now_ms < freezes_ms:
        return Upcoming("freeze", freezes_ms, gone)
    kind = "elimination" if scheduled.outcomes else "choice"
    return Upcoming(kind, scheduled.at_ms, gone)


def parameters(market: Market, *, is_told: bool) -> dict[str, Any]:
    """Return the configuration; without whom a round takes, for whom is not told before the end."""
    shown = dict(market.config)
    if not is_told:
        shown["rounds"] = [[at_ms, freeze_ms, []] for at_ms, freeze_ms, _ in shown["rounds"]]
    return shown


def hosted(host: User) -> QuerySet[Session]:
    """Return the sessions somebody hosts, the newest first; deleted ones are gone."""
    rows = Session.objects.select_related("market__live").filter(host=host)
    return rows.exclude(market__status=Market.Status.CLOSED).order_by("-created_at")


def of_user(user: User) -> QuerySet[Session]:
    """Return the sessions somebody hosts or takes part in, the newest first."""
    mine = Q(host=user) & ~Q(market__status=Market.Status.CLOSED)
    rows = Session.objects.select_related("market__live", "host")
    return rows.filter(mine | Q(participants__user=user)).distinct().order_by("-created_at")


def participants(
    session: Session, first: Participant | None = None, limit: int = PEOPLE_MAX
) -> list[Participant]:
    """Return who takes part, the newest first after `first`, at most `limit` of them."""
    rows = session.participants.select_related("user").order_by("-id")
    if first is None:
        return list(rows[:limit])
    return [first, *rows.exclude(pk=first.pk)[: limit - 1]]


def events(session: Session, *, before: int | None = None, limit: int = 50) -> list[MarketEvent]:
    """Return the steps of a session, the newest first."""
    rows = MarketEvent.objects.filter(market_id=session.market_id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[: limit + 1])


def _outcomes(
    session: Session, config: outcome.Config, state: outcome.MarketState, report: outcome.Report
) -> list[OutcomeView]:
    found = {row.outcome: row for row in report.outcomes}
    launch = outcome.MarketState.opened(config).outcomes
    views = []
    for number, (label, row) in enumerate(zip(session.outcomes, state.outcomes, strict=True)):
        quoted = found.get(number)
        views.append(
            OutcomeView(
                number=number,
                name=label["name"],
                colour=label["colour"],
                icon=label["icon"],
                picture=label.get("picture", ""),
                is_active=row.active,
                has_won=state.winner == number,
                price_pico=(row.yes_pico, row.no_pico),
                ask_pico=quoted.ask_pico if quoted else (0, 0),
                bid_pico=quoted.bid_pico if quoted else (0, 0),
                launch_pico=(launch[number].yes_pico, launch[number].no_pico),
            )
        )
    return views
