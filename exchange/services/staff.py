"""What staff may do: few verbs, none over a price or a balance, each with its reason on record.

Two verbs limit others, both for opening only: a market may be set reduce-only, an account's opens
may be barred. Closing, withdrawing and claiming stay possible, and both are public. A wind-down is
announced at least a day ahead; it is the clock that settles.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from exchange import clock
from exchange.engines import variable
from exchange.errors import InvariantBroken, Malformed, MegatronError, NotAllowed, Unprocessable
from exchange.ids import public_id
from exchange.models import (
    ApiToken,
    AuditRun,
    Market,
    MarketEvent,
    Position,
    StaffAction,
    User,
)
from exchange.services import audit, locks, settlement, tokens
from exchange.services.batch import Request

REASON_MIN, REASON_MAX = 5, 200
NOTICE_MIN, NOTICE_MAX = timedelta(hours=24), timedelta(days=366)
DESCRIPTIVE = ("name", "question", "summary", "topic")
# What decides who may do what here is for those with every right; the rest are labels.
LABELS = ("display_name", "is_bot")
RIGHTS = ("is_staff", "is_superuser")


@transaction.atomic
def reduce_only_set(*, actor: User, market: Market, reason: str) -> StaffAction:
    """Refuse opening legs in a market until it is lifted; what is open can always be closed.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the market's live row.
    """
    reason = _allowed(actor, reason)
    live = locks.live_state(market.pk)
    if live.reduce_only_since is not None:
        raise _already("this market is reduce-only already")
    live.reduce_only_reason, live.reduce_only_since = reason, clock.now()
    live.save(update_fields=["reduce_only_reason", "reduce_only_since"])
    _announce(market.pk, "reduce_only", reason)
    return _record(actor, "market.reduce_only_set", f"market {market.slug}", reason)


@transaction.atomic
def reduce_only_lift(*, actor: User, market: Market, reason: str) -> StaffAction:
    """Let a market open positions again.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the market's live row.
    """
    reason = _allowed(actor, reason)
    live = locks.live_state(market.pk)
    if live.reduce_only_since is None:
        raise _already("this market is not reduce-only")
    live.reduce_only_reason, live.reduce_only_since = "", None
    live.save(update_fields=["reduce_only_reason", "reduce_only_since"])
    _announce(market.pk, "reduce_only_lifted", reason)
    return _record(actor, "market.reduce_only_lifted", f"market {market.slug}", reason)


def wind_down_announce(
    *, actor: User, market: Market, settle_at: datetime, reason: str
) -> StaffAction:
    """End opening in a market for good and say when it will be settled; the clock settles it.

    Raises:  NotAllowed, Malformed for a time outside a day and a year from now, Unprocessable
             not_active or market_halted; Unavailable.
    Locks:   the market's live row, then the accounts that the settlement concerns.
    """
    reason = _allowed(actor, reason)
    notice = settle_at - clock.now()
    if not NOTICE_MIN <= notice <= NOTICE_MAX:
        raise Malformed(
            "a wind-down is announced at least 24 hours and at most 366 days ahead",
            fields={"field": "settle_at"},
        )
    settle_at_s = int(settle_at.timestamp())
    made: list[StaffAction] = []

    def announce() -> None:
        live = locks.live_state(market.pk)
        status = live.state["status"]
        if status != variable.ACTIVE:
            raise Unprocessable(
                "only an active market winds down", code="not_active", fields={"status": status}
            )
        if live.halt_rule:
            raise Unprocessable(
                "this market is halted", code="market_halted", fields={"rule": live.halt_rule}
            )
        _announce(market.pk, "wind_down", reason, settle_at_s=settle_at_s)
        target, verb = f"market {market.slug}", "market.wind_down_announced"
        made[:] = [_record(actor, verb, target, reason, settle_at_s=settle_at_s)]

    request = Request("wind_down", {"settle_at_s": settle_at_s}, f"wind_down:{market.pk}")
    answer = settlement.drain(market.pk, [request], first=announce)[0]
    if isinstance(answer, MegatronError):
        raise answer
    if not answer.accepted:
        raise InvariantBroken("an announced wind-down was refused", fields={"market": market.slug})
    return made[0]


@transaction.atomic
def recalibration_set(*, actor: User, market: Market, on: bool, reason: str) -> StaffAction:
    """Let a market's slope follow its pool by a tenth a day at most, or keep it as it is.

    Raises:  NotAllowed, Malformed, Unprocessable already_so, or not_active for an ended market.
    Locks:   the market's live row.
    """
    reason = _allowed(actor, reason)
    live = locks.live_state(market.pk)
    status = live.state["status"]
    if status not in {variable.FUNDING, variable.ACTIVE}:
        raise Unprocessable(
            "this market is at its end", code="not_active", fields={"status": status}
        )
    if not Market.objects.filter(pk=market.pk, recalibrates=not on).update(recalibrates=on):
        raise _already(f"recalibration is {'on' if on else 'off'} already")
    word = "on" if on else "off"
    _announce(market.pk, f"recalibration_{word}", reason)
    return _record(actor, f"market.recalibration_{word}", f"market {market.slug}", reason)


@transaction.atomic
def opens_bar(*, actor: User, user: User, reason: str) -> StaffAction:
    """Refuse a user's opening legs everywhere; closing, withdrawing and claiming stay possible.

    The markets in which the user holds something show that an account was restricted, and why,
    but not whose.
    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the user's row, by a conditional update.
    """
    return _set_barred(actor, user, reason, barred=True)


@transaction.atomic
def opens_allow(*, actor: User, user: User, reason: str) -> StaffAction:
    """Let a user open positions again.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the user's row, by a conditional update.
    """
    return _set_barred(actor, user, reason, barred=False)


def _set_barred(actor: User, user: User, reason: str, *, barred: bool) -> StaffAction:
    reason = _allowed(actor, reason)
    rows = User.objects.filter(pk=user.pk, opens_barred=not barred)
    if not rows.update(opens_barred=barred):
        raise _already(f"opens are {'barred' if barred else 'allowed'} already")
    kind = "account_barred" if barred else "account_allowed"
    held = Position.objects.filter(user=user).exclude(shares_nano=0).order_by("market_id")
    for market_id in held.values_list("market_id", flat=True):
        _announce(market_id, kind, reason)
    verb = "user.opens_barred" if barred else "user.opens_allowed"
    return _record(actor, verb, _name_of(user), reason)


@transaction.atomic
def market_describe(
    *, actor: User, market: Market, changes: Mapping[str, str], reason: str
) -> StaffAction:
    """Change the words that describe a market. Its rules, unit and parameters stay as they are.

    Raises:  NotAllowed, Malformed for any other field, Unprocessable already_so.
    """
    reason = _allowed(actor, reason)
    _require_known(changes, DESCRIPTIVE)
    before = _before(Market.objects.filter(pk=market.pk).values(*DESCRIPTIVE)[0], changes)
    Market.objects.filter(pk=market.pk).update(**{name: changes[name] for name in before})
    _announce(market.pk, "described", reason, fields=sorted(before))
    target = f"market {market.slug}"
    return _record(actor, "market.described", target, reason, before=before)


@transaction.atomic
def user_change(*, actor: User, user: User, changes: Mapping[str, Any], reason: str) -> StaffAction:
    """Change a user's labels, or who is staff; the latter only by who has every right.

    Raises:  NotAllowed, Malformed for any other field, Unprocessable already_so.
    """
    reason = _allowed(actor, reason)
    _require_known(changes, (*LABELS, *RIGHTS))
    if set(changes) & set(RIGHTS) and not actor.is_superuser:
        raise NotAllowed("only a superuser decides who is staff")
    before = _before(User.objects.filter(pk=user.pk).values(*LABELS, *RIGHTS)[0], changes)
    User.objects.filter(pk=user.pk).update(**{name: changes[name] for name in before})
    return _record(actor, "user.changed", _name_of(user), reason, before=before)


@transaction.atomic
def rights_record(
    *, actor: User, user: User, rights: Mapping[str, list[str]], reason: str
) -> StaffAction:
    """Put on record which groups and permissions a user has now.

    Raises:  NotAllowed, Malformed.
    """
    reason = _allowed(actor, reason)
    return _record(actor, "user.rights", _name_of(user), reason, rights=dict(rights))


@transaction.atomic
def token_revoke(*, actor: User, token: ApiToken, reason: str) -> StaffAction:
    """End somebody's API token, for one that has leaked.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    """
    reason = _allowed(actor, reason)
    if not tokens.revoke(token=token):
        raise _already("this token is revoked already")
    target = f"token {public_id('tok', token.pk)}"
    return _record(actor, "token.revoked", target, reason, owner=_name_of(token.user))


def audit_run(*, actor: User, reason: str) -> AuditRun:
    """Examine the books in full now instead of at the next turn of the schedule.

    The act is on record before the examination, which needs a transaction of its own.
    Raises:  NotAllowed, Malformed.
    """
    with transaction.atomic():
        _record(actor, "audit.run", "books", _allowed(actor, reason))
    return audit.run(full=True)


def reason_of(text: str) -> str:
    """Return a reason as it is kept: one line of printable characters. Raises Malformed."""
    kept = " ".join(text.split())
    if not REASON_MIN <= len(kept) <= REASON_MAX or not kept.isprintable():
        raise Malformed(
            f"a reason has {REASON_MIN} to {REASON_MAX} characters", fields={"field": "reason"}
        )
    return kept


def _allowed(actor: User, reason: str) -> str:
    """Return the reason as it is kept. Raises NotAllowed, Malformed."""
    if not (actor.is_staff and actor.is_active):
        raise NotAllowed("only staff may do this")
    return reason_of(reason)


def _record(actor: User, verb: str, target: str, reason: str, **detail: Any) -> StaffAction:
    return StaffAction.objects.create(
        actor=actor, verb=verb, target=target, reason=reason, detail=detail
    )


def _announce(market_id: int, kind: str, reason: str, **detail: Any) -> None:
    """Tell the market's page; the reason stands where a rule names itself."""
    MarketEvent.objects.create(
        market_id=market_id, kind=kind, rule=reason, detail={"by": "staff", **detail}
    )


def _before(row: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the changes replace. Raises Unprocessable where they replace nothing."""
    before = {name: row[name] for name, value in changes.items() if row[name] != value}
    if not before:
        raise _already("nothing would change")
    return before


def _require_known(changes: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    stray = sorted(set(changes) - set(allowed))
    if stray:
        raise Malformed(
            f"{stray[0]} cannot be changed", code="field_unknown", fields={"field": stray[0]}
        )


def _already(message: str) -> Unprocessable:
    return Unprocessable(message, code="already_so")


def _name_of(user: User) -> str:
    return f"user {public_id('usr', user.pk)}"
