"""What staff may do to an oracle: stop it, let it go on, try it out. Always with a reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from exchange import clock
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Market, MarketEvent, StaffAction, User
from exchange.services.staff import REASON_MAX, REASON_MIN
from oracle.models import Backtest, Forecaster, HumanLabel, OracleSpec, Run, Schedule, Source
from oracle.selectors import access
from oracle.services import backtests, cards, cycle, sources, specs
from oracle.services.reading import EvidenceChanged
from oracle.services.replay import replay


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
    """Propose a new version of a market's specification; it awaits its report card.

    Raises:  NotAllowed, Malformed, Unprocessable spec_refused.
    """
    said = _allowed(actor, reason)
    spec = specs.spec_save(market_id=market_id, fields=fields)
    _record(actor, "oracle.specified", spec.market, said, version=spec.version)
    return spec


@transaction.atomic
def spec_follow(*, actor: User, spec: OracleSpec, reason: str) -> StaffAction:
    """Let a version that has its report card be followed, in public.

    Raises:  NotAllowed, Malformed, Unprocessable card_missing, card_thin or already_so.
    """
    said = _allowed(actor, reason)
    if Schedule.objects.filter(market_id=spec.market_id, spec=spec).exists():
        raise _already("this version is followed already")
    specs.spec_follow(spec=spec)
    _announce(spec.market_id, "oracle_specified", said, version=spec.version)
    return _record(actor, "oracle.followed", spec.market, said, version=spec.version)


@transaction.atomic
def backtest_start(
    *,
    actor: User,
    spec: OracleSpec,
    reason: str,
    start: datetime,
    end: datetime,
    step_s: int,
    horizon_s: int = cards.HORIZON_S,
) -> Backtest:
    """Ask for a report card of a version: a worker plays the period and shows how far it is.

    Raises:  NotAllowed, Malformed for a senseless period.
    """
    said = _allowed(actor, reason)
    job = backtests.ask(
        spec=spec, start=start, end=end, step_s=step_s, horizon_s=horizon_s, asked_by=actor
    )
    _record(actor, "oracle.backtest", spec.market, said, version=spec.version)
    return job


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


@transaction.atomic
def forecaster_grant(*, actor: User, user: User, name: str, reason: str) -> Forecaster:
    """Let a user's programs hand in forecasts, or let them again.

    Raises:  NotAllowed, Malformed.
    """
    said = _allowed(actor, reason)
    shown = " ".join(name.split())
    if not shown or not shown.isprintable():
        raise Malformed("a forecaster has a name", fields={"field": "name"})
    who, _ = Forecaster.objects.update_or_create(
        user=user, defaults={"name": shown[:60], "is_active": True}
    )
    StaffAction.objects.create(
        actor=actor, verb="oracle.forecaster_on", target=f"forecaster {who.name}", reason=said
    )
    return who


@transaction.atomic
def forecaster_withdraw(*, actor: User, who: Forecaster, reason: str) -> StaffAction:
    """Take the right away: nothing new is taken, and nothing that waits counts any more.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    """
    said = _allowed(actor, reason)
    if not Forecaster.objects.filter(pk=who.pk, is_active=True).update(is_active=False):
        raise _already("this forecaster has no right already")
    return StaffAction.objects.create(
        actor=actor, verb="oracle.forecaster_off", target=f"forecaster {who.name}", reason=said
    )


def replay_check(*, actor: User, run: Run, reason: str) -> StaffAction:
    """Recompute a run from what was stored, and keep that somebody looked and what it said.

    Raises:  NotAllowed, Malformed; Unprocessable replay_differs where a bit is another.
    """
    said = _allowed(actor, reason)
    if not run.reports_sha256:
        raise Unprocessable("the run ended before anything was read", code="replay_differs")
    try:
        found = replay(run)
    except EvidenceChanged as fault:
        raise Unprocessable(str(fault), code="replay_differs") from fault
    if not found.is_identical:
        raise Unprocessable(
            "the replay differs: " + ("; ".join(found.version_changes) or "the same versions"),
            code="replay_differs",
            fields={"stored": found.stored_sha256, "replayed": found.replayed_sha256},
        )
    return _record(actor, "oracle.replayed", run.market, said, run=run.public_id)


@transaction.atomic
def run_label(*, actor: User, run: Run, sign: int, reason: str) -> HumanLabel:
    """Keep what a person says a run's news meant; cards and calibrations from now on count it.

    Raises:  NotAllowed, Malformed; Unprocessable label_refused for a run that claimed nothing.
    """
    said = _allowed(actor, reason)
    if run.is_dry or run.state != Run.State.APPLIED:
        raise Unprocessable("only a run that gave an event is judged", code="label_refused")
    if sign not in HumanLabel.Sign.values:
        raise Malformed("a label is a rise, a fall or no change", fields={"sign": sign})
    made = HumanLabel.objects.create(run=run, sign=sign, reason=said[:200], by=actor)
    _record(actor, "oracle.labelled", run.market, said, run=run.public_id, sign=sign)
    return made


def dry_run(*, actor: User, market_id: int, reason: str, spec: OracleSpec | None = None) -> Run:
    """Do everything a run does but apply it, and leave the evidence unspent.

    Without `spec` it is the version that the market follows. One that is not followed yet is tried
    so too: what it reads is the past that its report card plays.

    Raises:  NotAllowed, Malformed, NotFound.
    """
    said = _allowed(actor, reason)
    now = clock.now()
    with transaction.atomic():
        tried = spec or access.spec(market_id)
        number = _next_number(market_id)
        run = Run.objects.create(
            market_id=market_id,
            spec=tried,
            number=number,
            ref=f"dry:{market_id}:{number}",
            is_dry=True,
            started_at=now,
            nudged_at=now,
        )
        _record(actor, "oracle.dry_run", tried.market, said, run=run.public_id)
    cycle.run_to_end(run.pk)
    run.refresh_from_db()
    return run


def _next_number(market_id: int) -> int:
    """Return the number of the market's next run, and count it where runs are counted."""
    if Schedule.objects.filter(pk=market_id).update(runs=F("runs") + 1):
        return Schedule.objects.values_list("runs", flat=True).filter(pk=market_id)[0]
    return specs.last_number(market_id) + 1


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
