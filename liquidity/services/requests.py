"""Propose a market with a staked first contribution, and take a proposal back.

The stake is a hold of the requester's cash: it becomes the first contribution or goes back.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from exchange import clock
from exchange.errors import Conflict, NotAllowed, Unprocessable
from exchange.models import User
from exchange.services import commands, ledger
from liquidity.models import MarketRequest
from liquidity.services.proposals import proposal_of, require_fit, taken

State = MarketRequest.State


def request_create(  # what a proposal consists of; each is named at every call
    *,
    user: User,
    words: Mapping[str, str],
    brief: Mapping[str, Any],
    parameters: Mapping[str, Any],
    stake_micro: int,
    differs: str,
    key: str,
) -> MarketRequest:
    """Store a proposal with its stake set aside; the same key returns the first.

    Raises:  Malformed, Conflict key_reused, Unprocessable config_invalid, request_refused with
             every complaint, duplicate_market with the names, slug_taken, stake_out_of_range,
             insufficient_funds.
    Locks:   the requester's cash and reserved accounts.
    """
    commands.check_key(key)
    asked = [words, brief, parameters, stake_micro, differs]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()
    if first := _asked_before(user, key, digest):
        return first
    proposal = proposal_of(words, brief, parameters, differs)
    require_fit(proposal, stake_micro)
    try:
        with transaction.atomic():
            hold = ledger.hold(user_id=user.pk, amount_micro=stake_micro, ref=_hold_ref(user, key))
            return MarketRequest.objects.create(
                requester=user,
                key=key,
                digest=digest,
                **proposal.words,
                parameters=dict(proposal.parameters),
                brief=dict(proposal.brief),
                differs=proposal.differs,
                hold=hold,
                stake_micro=stake_micro,
            )
    except IntegrityError as clash:
        # the same key, address or ticker from another connection, a moment earlier
        if first := _asked_before(user, key, digest):
            return first
        raise taken(proposal.draft) from clash


def request_withdraw(*, user: User, request: MarketRequest) -> MarketRequest:
    """Take a pending request back; the stake returns to the cent.

    Raises:  NotAllowed for somebody else's; Unprocessable already_so.
    Locks:   the request's row by a conditional update, the hold, then the accounts.
    """
    if request.requester_id != user.pk:
        raise NotAllowed("this request is somebody else's")
    with transaction.atomic():
        close(request, State.WITHDRAWN, by=user, reason="")
    return request


def pending(request: MarketRequest) -> QuerySet[MarketRequest]:
    """Return the request as a set of rows, empty once it is decided: to update, and to count."""
    return MarketRequest.objects.filter(pk=request.pk, state=State.PENDING)


def decided() -> Unprocessable:
    """Return the refusal of a second decision."""
    return Unprocessable("this request is decided already", code="already_so")


def close(request: MarketRequest, state: State, *, by: User, reason: str) -> None:
    """Decide against a request and return its stake, inside the caller's transaction.

    Raises:  Unprocessable already_so.
    Locks:   the request's row by a conditional update, the hold, then the accounts.
    """
    decision = {"state": state, "reason": reason, "decided_by": by, "decided_at": clock.now()}
    if not pending(request).update(**decision):
        raise decided()
    ledger.void(ref=request.hold.ref)
    request.refresh_from_db()


def _asked_before(user: User, key: str, digest: bytes) -> MarketRequest | None:
    first = MarketRequest.objects.filter(requester=user, key=key).first()
    if first is not None and bytes(first.digest) != digest:
        raise Conflict(
            f"the key {key!r} was used for another request", code="key_reused", fields={"key": key}
        )
    return first


def _hold_ref(user: User, key: str) -> str:
    return f"request:{hashlib.sha256(f'{user.pk}:{key}'.encode()).hexdigest()[:48]}"
