"""What a host does while a session runs: each is a command in its log, taken by the next tick.

A host sets no price and moves no money: what is paid follows from the rules and the outcome named.
"""

from collections.abc import Mapping, Sequence

from django.db import transaction

from exchange import clock
from exchange.engines import outcome
from exchange.errors import Unprocessable
from exchange.models import Market, Session, User
from exchange.selectors.outcome import configs
from exchange.selectors.outcome.rounds import next_round, pending_choice
from exchange.services import locks
from exchange.services.outcome import accept
from exchange.services.outcome.accept import Accepted
from exchange.services.sessions.drafts import (
    record,
    require_host,
    require_status,
    session_clone,
)
from exchange.services.sessions.lobby import lobby_close, lobby_open


def reduce_only(*, host: User, session: Session, reason: str, key: str) -> Accepted:
    """Let people only sell and take orders back from the next tick on; resting orders stay.

    Raises:  NotAllowed, Unprocessable session_state.
    Locks:   the session's live row.
    """
    return _gate(host, session, outcome.REDUCING, reason, key)


def resume(*, host: User, session: Session, key: str) -> Accepted:
    """Let people buy again. What a round has frozen goes on with its elimination, not before.

    Raises:  NotAllowed, Unprocessable session_state.
    Locks:   the session's live row.
    """
    return _gate(host, session, outcome.TRADING, "", key)


def eliminate(*, host: User, session: Session, outcomes: Sequence[int], key: str) -> Accepted:
    """End some outcomes where the host has to name them: at a round without names, or without any.

    Raises:  NotAllowed; Unprocessable session_state, args, inactive_outcome.
    Locks:   the session's live row.
    """
    require_host(host, session)
    with transaction.atomic():
        live = locks.live_state(session.market_id)
        require_status(session, Market.Status.RUNNING)
        config = configs.config_of(session.market.config)
        state = outcome.MarketState.from_mapping(live.state)
        now_ms = clock.now_ms() - (session.started_ms or 0)
        _require_choice(config, state, now_ms)
        _require_active(state, outcomes)
        if len(state.active) - len(set(outcomes)) < 2:  # noqa: PLR2004 (the specification's two)
            raise _args("at least two outcomes stay until the final resolution")
    payload = {"outcomes": sorted(set(outcomes))}
    taken = _submit(session, "eliminate", payload, key)
    if live.reduce_only_since is not None:
        _submit(session, "gate", {"mode": outcome.REDUCING}, f"{key}:reduce")
    return taken


def end(*, host: User, session: Session) -> Accepted:
    """End trading for good at the next tick, before the time; the winner is named afterwards.

    Raises:  NotAllowed, Unprocessable session_state.
    """
    require_host(host, session)
    return close_trading(session=session)


def close_trading(*, session: Session) -> Accepted:
    """End trading for good at the next tick; the caller has checked who asks.

    Raises:  Unprocessable session_state.
    """
    require_status(session, Market.Status.RUNNING)
    return _submit(session, "gate", {"mode": outcome.ENDED}, "end:now")


def resolve(*, host: User, session: Session, winner: int) -> Accepted:
    """Name the winner of a session that has ended; the next tick pays everybody.

    Raises:  NotAllowed; Unprocessable session_state, inactive_outcome.
    Locks:   the session's live row.
    """
    require_host(host, session)
    return name_winner(session=session, winner=winner)


def name_winner(*, session: Session, winner: int) -> Accepted:
    """Have the next tick pay by an outcome; the caller has checked who asks. One answer, once.

    Raises:  Unprocessable session_state, inactive_outcome; Conflict key_reused after another one.
    Locks:   the session's live row.
    """
    with transaction.atomic():
        live = locks.live_state(session.market_id)
        require_status(session, Market.Status.ENDED)
        _require_active(outcome.MarketState.from_mapping(live.state), [winner])
    return _submit(session, "resolve", {"winner": winner}, "resolve:host")


def reset(*, host: User, session: Session) -> Session:
    """Begin again: end this session where play money is at stake, and open the lobby of its clone.

    Raises:  NotAllowed; Unprocessable session_state for real money that is still at stake,
             insufficient_funds.
    """
    require_host(host, session)
    session.market.refresh_from_db()
    status = session.market.status
    if not session.is_play and status in (Market.Status.RUNNING, Market.Status.ENDED):
        raise Unprocessable(
            "real money is at stake: resolve this session first",
            code="session_state",
            fields={"status": status, "wanted": Market.Status.RESOLVED},
        )
    if status == Market.Status.RUNNING:
        end(host=host, session=session)
    elif status == Market.Status.LOBBY:
        lobby_close(host=host, session=session)
    clone = session_clone(host=host, session=session)
    lobby_open(host=host, session=clone)
    record(session, "reset", by=host, code=clone.code)
    return clone


def _gate(host: User, session: Session, mode: str, reason: str, key: str) -> Accepted:
    require_host(host, session)
    with transaction.atomic():
        live = locks.live_state(session.market_id)
        require_status(session, Market.Status.RUNNING)
        reduces = mode == outcome.REDUCING
        live.reduce_only_reason = reason[:200]
        live.reduce_only_since = clock.now() if reduces else None
        live.save(update_fields=["reduce_only_reason", "reduce_only_since"])
    return _submit(session, "gate", {"mode": mode}, key)


def _submit(session: Session, kind: str, payload: Mapping[str, object], key: str) -> Accepted:
    return accept.submit(
        session=session, kind=kind, payload=payload, key=f"{session.market_id}:{key}"
    )


def _require_choice(config: outcome.Config, state: outcome.MarketState, now_ms: int) -> None:
    if not config.mr_enabled:
        raise _args("eliminations are off in this session")
    coming = next_round(config, state)
    if coming is not None and not pending_choice(config, state, now_ms):
        raise _args("the next elimination comes at its time")


def _require_active(state: outcome.MarketState, outcomes: Sequence[int]) -> None:
    if not outcomes:
        raise _args("name an outcome")
    for number in outcomes:
        if number not in state.active:
            raise Unprocessable(
                f"outcome {number} is not in play",
                code="inactive_outcome",
                fields={"outcome": number},
            )


def _args(reason: str) -> Unprocessable:
    return Unprocessable(reason, code="args", fields={"reason": reason})
