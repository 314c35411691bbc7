"""Write a market's oracle specification: refuse what cannot work, keep every version.

A version is followed only from when it is let: by a report card of that very version, or by an
exception that is kept with its reason.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from exchange import clock
from exchange.errors import Conflict, Malformed, Unprocessable
from exchange.models import Market
from oracle.models import Activation, Card, CardRow, OracleSpec, Run, Schedule
from oracle.services.lint import lint
from oracle.services.terms import FIELDS

WAIVED_MAX = 200
# What a report card must rest on at least before its version is followed.
EVENTS_MIN, JUDGED_MIN = 5, 5


@transaction.atomic
def spec_save(
    *, market_id: int, fields: Mapping[str, Any], starts_in_s: int = 0, waived: str = ""
) -> OracleSpec:
    """Store a new version of a market's specification; nothing follows it yet.

    `waived` says why it needs no report card, and lets it be followed at once.

    Units:   weights, slope, base and confidence are decimal text; spans are seconds.
    Raises:  Malformed for an unknown field; Unprocessable spec_refused with every complaint;
             Conflict where two save at once.
    """
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise Malformed(
            f"a specification has no field {unknown[0]!r}",
            code="field_unknown",
            fields={"fields": unknown},
        )
    market = Market.objects.get(pk=market_id)
    spec = OracleSpec(market=market, **fields)
    newest = OracleSpec.objects.filter(market=market).order_by("-version").first()
    spec.version = newest.version + 1 if newest else 1
    if problems := lint(spec):
        raise Unprocessable(
            f"the specification cannot work: {problems[0]}",
            code="spec_refused",
            fields={"problems": problems},
        )
    try:
        with transaction.atomic():
            spec.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("somebody saved another version just now", code="already_so") from error
    if waived:
        spec_follow(spec=spec, starts_in_s=starts_in_s, waived=waived)
    return spec


@transaction.atomic
def spec_follow(*, spec: OracleSpec, starts_in_s: int = 0, waived: str = "") -> Activation:
    """Let a version be followed from its market's next run on.

    Raises:  Unprocessable, unless it is waived: card_missing without a card of this version;
             card_thin where its newest one rests on too little.
    """
    card = Card.objects.filter(spec=spec).order_by("-id").first()
    if card is None and not waived:
        raise Unprocessable(
            "this version awaits its report card",
            code="card_missing",
            fields={"version": spec.version},
        )
    if card is not None and not waived:
        _require_substance(card)
    made = Activation.objects.create(spec=spec, card=card, waived=waived[:WAIVED_MAX])
    _follow(spec, starts_in_s)
    return made


def _require_substance(card: Card) -> None:
    """Refuse a card that says next to nothing: of runs without an event, or nothing judged."""
    judged = sum(card.rows.filter(of=CardRow.Of.ALL).values_list("judged", flat=True))
    if card.applied < EVENTS_MIN or judged < JUDGED_MIN:
        raise Unprocessable(
            f"its report card has {card.applied} events and {judged} judged claims;"
            f" at least {EVENTS_MIN} and {JUDGED_MIN} are needed",
            code="card_thin",
            fields={
                "version": card.spec.version,
                "events": card.applied,
                "events_min": EVENTS_MIN,
                "judged": judged,
                "judged_min": JUDGED_MIN,
                "stories": card.stories,
            },
        )


def last_number(market_id: int) -> int:
    """Return the number of a market's newest run, dry ones too, or 0."""
    newest = Run.objects.filter(market_id=market_id).aggregate(last=Max("number"))["last"]
    return int(newest or 0)


def _follow(spec: OracleSpec, starts_in_s: int) -> None:
    now = clock.now()
    known = Schedule.objects.filter(market=spec.market).update(
        spec=spec, interval_s=spec.interval_s, failures=0
    )
    if not known:
        Schedule.objects.create(
            market=spec.market,
            spec=spec,
            interval_s=spec.interval_s,
            next_at=now + timedelta(seconds=starts_in_s),
            runs=last_number(spec.market_id),
        )
