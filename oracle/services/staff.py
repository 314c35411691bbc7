"""What staff may do to an oracle: stop it, let it go on, try it out. Always with a reason."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from exchange import clock
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Market, MarketEvent, StaffAction, User
from exchange.services.staff import REASON_MAX, REASON_MIN
from oracle.models import OracleSpec, Run, Schedule, Source
from oracle.selectors import access
from oracle.services import cycle, sources, specs


@transaction.atomic
def oracle_pause(*, actor: User, market_id: int, reason: str) -> StaffAction:
    """Stop a market's oracle, in public: F keeps its value and ages, and opening stops by rule.

    Raises:  NotAllowed, Malformed, NotFound, Unprocessable already_so.
    """
    said = _allowed(actor, reason)
    schedule = access.schedule(market_id)
    running = Schedule.objects.filter(pk=schedule.pk, paused_at=None)
    if not running.update(paused_at=clock.now(), paused_reason=said):
        raise _already("this oracle is paused already")
    _announce(market_id, "oracle_paused", said)
    return _record(actor, "oracle.paused", schedule.market, said)


@transaction.atomic
def oracle_resume(*, actor: User, market_id: int, reason: str) -> StaffAction:
    """Let a paused oracle go on with its next run.

    Raises:  NotAllowed, Malformed, NotFound, Unprocessable already_so.
    """
    said = _allowed(actor, reason)
    schedule = access.schedule(market_id)
    paused = Schedule.objects.filter(pk=schedule.pk, paused_at__isnull=False)
    if not paused.update(paused_at=None, paused_reason="", next_at=clock.now(), failures=0):
        raise _already("this oracle is not paused")
    _announce(market_id, "oracle_resumed", said)
    return _record(actor, "oracle.resumed", schedule.market, said)


@transaction.atomic
def spec_change(
    *, actor: User, market_id: int, fields: Mapping[str, Any], reason: str
) -> OracleSpec:
    """Give a market's oracle a new version of its specification, in public.

    Raises:  NotAllowed, Malformed, Unprocessable spec_refused.
    """
    said = _allowed(actor, reason)
    spec = specs.spec_save(market_id=market_id, fields=fields)
    _announce(market_id, "oracle_specified", said, version=spec.version)
    _record(actor, "oracle.specified", spec.market, said, version=spec.version)
    return spec


@transaction.atomic
def source_switch(*, actor: User, source: Source, is_enabled: bool, reason: str) -> StaffAction:
    """Switch a source off for every market, or on again with its failures forgotten.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    """
    said = _allowed(actor, reason)
    others = Source.objects.filter(pk=source.pk).exclude(is_enabled=is_enabled)
    if not others.update(is_enabled=is_enabled, failures=0, retry_at=None):
        raise _already(f"this source is {'on' if is_enabled else 'off'} already")
    verb = "oracle.source_on" if is_enabled else "oracle.source_off"
    return StaffAction.objects.create(
        actor=actor, verb=verb, target=f"source {source.name}", reason=said
    )


@transaction.atomic
def source_change(*, actor: User, fields: Mapping[str, Any], reason: str) -> Source:
    """Create a source or change how it is read.

    Raises:  NotAllowed, Malformed, Unprocessable source_refused.
    """
    said = _allowed(actor, reason)
    source = sources.source_save(**fields)
    StaffAction.objects.create(
        actor=actor,
        verb="oracle.source_changed",
        target=f"source {source.name}",
        reason=said,
        detail={"options": source.options, "hosts": source.hosts},
    )
    return source


def dry_run(*, actor: User, market_id: int, reason: str) -> Run:
    """Do everything a run does but apply it, and leave the evidence unspent.

    Raises:  NotAllowed, Malformed, NotFound.
    """
    said = _allowed(actor, reason)
    now = clock.now()
    with transaction.atomic():
        schedule = access.schedule(market_id)
        Schedule.objects.filter(pk=schedule.pk).update(runs=F("runs") + 1)
        schedule.refresh_from_db(fields=["runs"])
        run = Run.objects.create(
            market_id=market_id,
            spec=schedule.spec,
            number=schedule.runs,
            ref=f"dry:{market_id}:{schedule.runs}",
            is_dry=True,
            started_at=now,
            nudged_at=now,
        )
        _record(actor, "oracle.dry_run", schedule.market, said, run=run.public_id)
    cycle.run_to_end(run.pk)
    run.refresh_from_db()
    return run


def _allowed(actor: User, reason: str) -> str:
    """Return the reason as it is kept. Raises NotAllowed, Malformed."""
    if not (actor.is_staff and actor.is_active):
        raise NotAllowed("only staff may do this")
    said = " ".join(reason.split())
    if not REASON_MIN <= len(said) <= REASON_MAX or not said.isprintable():
        raise Malformed(
            f"a reason has {REASON_MIN} to {REASON_MAX} characters", fields={"field": "reason"}
        )
    return said


def _already(message: str) -> Unprocessable:
    return Unprocessable(message, code="already_so")


def _record(actor: User, verb: str, market: Market, reason: str, **detail: Any) -> StaffAction:
    return StaffAction.objects.create(
        actor=actor, verb=verb, target=f"market {market.slug}", reason=reason, detail=detail
    )


def _announce(market_id: int, kind: str, reason: str, **detail: Any) -> None:
    """Tell the market's page; the reason stands where a rule names itself."""
    MarketEvent.objects.create(
        market_id=market_id, kind=kind, rule=reason, detail={"by": "staff", **detail}
    )
