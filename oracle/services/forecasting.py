"""Take outside programs' reports, choose those that may count in a run, and score them.

A forecast counts once. One that names no story that is new to the market claims nothing new while
its maker's last one is still being proved, so that saying it again moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from exchange import clock
from exchange.errors import Conflict, Malformed, NotAllowed, NotFound
from exchange.ids import key_of
from exchange.models import Market, OracleMove, User
from exchange.services import commands
from oracle.core import card, forecasts, levels
from oracle.core.bounds import DELTA_MAX_PICO
from oracle.core.card import Claim
from oracle.core.forecasts import Outside
from oracle.models import Cluster, Forecast, Forecaster, Run, SpentEvidence, UsedForecast
from oracle.services.hashing import sha256_hex

STORY_PREFIX = "st"
STORIES_MAX = 10
LIVES_S_MIN, LIVES_S_MAX, LIVES_S = 60, 86_400, 3_600
HORIZON = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A forecast as it was kept, and whether it was there already."""

    forecast: Forecast
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How right a forecaster was in a market, and the weight that gives."""

    score: card.Score
    outcomes: int
    weight_e8: int


def forecast_place(
    *,
    user: User,
    market: Market,
    delta_pico: int,
    confidence_e8: int,
    stories: Sequence[str],
    lives_s: int,
    key: str,
) -> Placed:
    """Keep a program's report; the same key twice is the same report once.

    Units:   delta in 1e-12 of F, confidence in 1e-8.
    Raises:  NotAllowed without the right; Malformed out of range; NotFound for an unknown story;
             Conflict key_reused for another report under a used key.
    """
    commands.check_key(key)
    who = _forecaster(user)
    _check(delta_pico, lives_s, stories)
    named = sorted({_story(story) for story in stories})
    asked = [market.pk, delta_pico, confidence_e8, named, lives_s]
    now = clock.now()
    made = Forecast(
        forecaster=who,
        market=market,
        key=key,
        request_sha256=sha256_hex(asked),
        delta_pico=delta_pico,
        confidence_e8=confidence_e8,
        stories=named,
        made_at=now,
        expires_at=now + timedelta(seconds=lives_s),
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        return _again(made, error)
    return Placed(forecast=made, replayed=False)


def chosen(market_id: int, at: datetime) -> list[Forecast]:
    """Return the newest forecast of each forecaster that may count in a run at `at`."""
    rows = Forecast.objects.filter(
        market_id=market_id,
        forecaster__is_active=True,
        made_at__lte=at,
        expires_at__gt=at,
    )
    newest: dict[int, Forecast] = {}
    for row in rows.select_related("forecaster", "market", "used__run").order_by("id"):
        newest[row.forecaster_id] = row
    return [row for _, row in sorted(newest.items()) if _says_something_new(row, at)]


def weighed(rows: Sequence[Forecast], at: datetime) -> list[tuple[int, int]]:
    """Return the key of each forecast with its maker's weight as of a moment."""
    return [(row.pk, record(row.forecaster, row.market, at).weight_e8) for row in rows]


def outsides(weights: Sequence[Sequence[int]]) -> tuple[Outside, ...]:
    """Return forecasts by key, with the weights that a run gave them."""
    keys = [key for key, _ in weights]
    rows = Forecast.objects.select_related("forecaster").in_bulk(keys)
    return tuple(
        Outside(
            forecast=key,
            name=rows[key].forecaster.name,
            delta_pico=rows[key].delta_pico,
            confidence_e8=rows[key].confidence_e8,
            weight_e8=weight_e8,
        )
        for key, weight_e8 in weights
    )


def spend(run: Run) -> None:
    """Mark every forecast that an accepted run counted: it never moves the market again."""
    keys = [key for key, weight_e8 in run.inputs.get("forecasts", []) if weight_e8]
    UsedForecast.objects.bulk_create(
        [UsedForecast(forecast_id=key, run=run) for key in keys], ignore_conflicts=True
    )


def record(who: Forecaster, market: Market, at: datetime) -> Record:
    """Return how right a forecaster's reports on a market were, as far as is known at `at`.

    What proves a report is where F went within a day of it, the event it had a part in left out.
    Reports within one day share an outcome: the first of the day is judged.
    """
    rows = Forecast.objects.filter(forecaster=who, market=market, made_at__lte=at - HORIZON)
    moves = list(
        OracleMove.objects.filter(market=market, at__lte=at)
        .order_by("at", "id")
        .values_list("at", "fundamental_before_pico", "fundamental_pico", "ref")
    )
    claims: dict[int, Claim] = {}
    for row in rows.select_related("used__run").order_by("id"):
        window = int(row.made_at.timestamp()) // int(HORIZON.total_seconds())
        if row.delta_pico and window not in claims and (truth := _truth(row, moves)):
            claims[window] = _claim(row, truth)
    score = card.score(list(claims.values()))
    weight_e8 = forecasts.weight_e8(score.brier_e8, score.usual_e8, len(claims))
    return Record(score=score, outcomes=len(claims), weight_e8=weight_e8)


def _truth(row: Forecast, moves: Sequence[Any]) -> int:
    """Return how far F went after a forecast; 0 where nothing is known or nothing happened."""
    used = getattr(row, "used", None)
    own = used.run.ref if used else ""
    until = row.made_at + HORIZON
    before = [move for move in moves if move[0] <= row.made_at or move[3] == own]
    later = [move for move in moves if move[0] <= until]
    if not later:
        return 0
    start = int(before[-1][2]) if before else int(moves[0][1])
    return levels.change_pico(int(later[-1][2]), start)


def _claim(row: Forecast, truth: int) -> Claim:
    return Claim(
        sign=(row.delta_pico > 0) - (row.delta_pico < 0),
        confidence_e8=row.confidence_e8,
        truth_sign=(truth > 0) - (truth < 0),
        delta_pico=row.delta_pico,
        truth_pico=truth,
    )


def _says_something_new(row: Forecast, at: datetime) -> bool:
    if getattr(row, "used", None) is not None:
        return False
    if row.stories:
        spent = SpentEvidence.objects.filter(market_id=row.market_id, cluster_id__in=row.stories)
        return spent.count() < len(row.stories)
    return not UsedForecast.objects.filter(
        forecast__forecaster_id=row.forecaster_id,
        forecast__market_id=row.market_id,
        run__finished_at__gt=at - HORIZON,
    ).exists()


def _forecaster(user: User) -> Forecaster:
    who = Forecaster.objects.filter(pk=user.pk, is_active=True).first()
    if who is None:
        raise NotAllowed("staff grant the right to forecast", code="forecaster_missing")
    return who


def _check(delta_pico: int, lives_s: int, stories: Sequence[str]) -> None:
    if abs(delta_pico) > DELTA_MAX_PICO:
        raise Malformed("a change lies within 30 %", fields={"field": "delta"})
    if not LIVES_S_MIN <= lives_s <= LIVES_S_MAX:
        raise Malformed(
            f"a forecast lives {LIVES_S_MIN} to {LIVES_S_MAX} s", fields={"field": "lives_s"}
        )
    if len(stories) > STORIES_MAX:
        raise Malformed(f"at most {STORIES_MAX} stories", fields={"field": "stories"})


def _story(name: str) -> int:
    key = key_of(STORY_PREFIX, name)
    if not Cluster.objects.filter(pk=key).exists():
        raise NotFound(f"there is no story {name[:40]!r}")
    return key


def _again(made: Forecast, error: IntegrityError) -> Placed:
    first = Forecast.objects.filter(forecaster=made.forecaster, key=made.key).first()
    if first is None:
        raise error
    if first.request_sha256 != made.request_sha256:
        raise Conflict("this key was used for another forecast", code="key_reused")
    return Placed(forecast=first, replayed=True)
