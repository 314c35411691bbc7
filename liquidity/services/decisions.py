"""Decide what was proposed: open a market and place its stake, or turn the proposal down."""

from functools import partial

import structlog
from django.db import DatabaseError, IntegrityError, transaction

from exchange import clock
from exchange.errors import MegatronError, NotAllowed, Unavailable
from exchange.models import Hold, Market, MarketEvent, StaffAction, User
from exchange.selectors.configs import config_of
from exchange.services import gate, ledger, locks, markets, settlement, staff
from exchange.services.batch import Receipt, Request
from liquidity.models import MarketRequest
from liquidity.models.requests import WORDS
from liquidity.selectors.subjects import draft_of
from liquidity.services import proposals
from liquidity.services.requests import close, decided, pending

ADVANCE_MAX = 100
State = MarketRequest.State

log = structlog.get_logger()


def request_reject(*, actor: User, request: MarketRequest, reason: str) -> StaffAction:
    """Turn a request down; the stake returns to the cent.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the request's row by a conditional update, the hold, then the accounts.
    """
    said = _allowed(actor, reason)
    with transaction.atomic():
        close(request, State.REJECTED, by=actor, reason=said)
        return _record(actor, "request.rejected", request, said)


def request_approve(*, actor: User, request: MarketRequest, reason: str) -> StaffAction:
    """Open the proposed market for funding, once; then make the stake its first contribution.

    Killed between the two, `requests_advance` does the second.
    Raises:  NotAllowed, Malformed, Unprocessable already_so, slug_taken, config_invalid.
    Locks:   the request's row by a conditional update; then as `stake_place`.
    """
    said = _allowed(actor, reason)
    with transaction.atomic():
        # whoever comes second waits here and finds it decided
        if not pending(request).update(reason=said):
            raise decided()
        market = _opened(request)
        pending(request).update(
            state=State.APPROVED, market=market, decided_by=actor, decided_at=clock.now()
        )
        MarketEvent.objects.create(
            market=market, kind="approved", rule=said, detail={"by": "staff"}
        )
        action = _record(actor, "request.approved", request, said)
    request.refresh_from_db()
    _placed(request)
    return action


def requests_advance() -> int:
    """Make the stakes of approved requests contributions where that has not happened yet.

    Return how many were finished.
    """
    waiting = MarketRequest.objects.filter(state=State.APPROVED, hold__state=Hold.State.OPEN)
    rows = waiting.select_related("market__live", "hold").order_by("id")[:ADVANCE_MAX]
    return sum(_placed(row) for row in rows)


def stake_place(request: MarketRequest) -> Receipt | None:
    """Give the stake back and contribute it, in one transaction, however often this runs.

    A market that refuses it, because others have filled it meanwhile, leaves it in the
    requester's cash; so does one that is halted, of which there is no receipt.

    Raises:  Unavailable; database errors as they are.
    Locks:   the market's live row, the hold, then accounts by id.
    """
    market = request.market
    assert market is not None
    if market.live.halt_rule:
        ledger.void(ref=request.hold.ref)
        return None
    payload = {"amount_micro": request.stake_micro}
    ask = Request("contribute", payload, request.stake_key, request.requester_id)
    first = partial(_release, market.pk, request.hold.ref)
    (answer,) = settlement.drain(market.pk, [ask], first=first)
    if isinstance(answer, MegatronError):
        raise answer
    return answer


def _release(market_id: int, ref: str) -> None:
    """Free the stake for the contribution that follows under the same lock."""
    if locks.live_state(market_id).halt_rule:
        # nothing would follow: leave the stake where it is
        raise Unavailable("the market was halted just now", code="busy")
    ledger.void(ref=ref)


def _placed(request: MarketRequest) -> bool:
    """Place a stake; what goes wrong with one is tried again and must not stop the others.

    A stake that would start the trading by itself waits until the market may take money.
    """
    if _waits(request):
        return False
    try:
        stake_place(request)
    except (MegatronError, DatabaseError) as fault:
        log.warning("request.stake_not_placed", request=request.pk, error=str(fault)[:200])
        return False
    return True


def _waits(request: MarketRequest) -> bool:
    market = request.market
    assert market is not None
    starts = request.stake_micro >= config_of(market.config).soft_cap_micro
    return starts and bool(gate.why_shut(market))


def _opened(request: MarketRequest) -> Market:
    words = {name: getattr(request, name) for name in WORDS}
    try:
        with transaction.atomic():
            return markets.market_open(**words, parameters=request.parameters, brief=request.brief)
    except IntegrityError as clash:
        raise proposals.taken(draft_of(request)) from clash


def _allowed(actor: User, reason: str) -> str:
    if not (actor.is_staff and actor.is_active):
        raise NotAllowed("only staff may do this")
    return staff.reason_of(reason)


def _record(actor: User, verb: str, request: MarketRequest, reason: str) -> StaffAction:
    return StaffAction.objects.create(
        actor=actor, verb=verb, target=f"request {request.public_id}", reason=reason
    )
