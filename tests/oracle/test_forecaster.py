"""Outside programs: granted by staff, counted once, and weightless until they have a record."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from exchange import clock
from exchange.engines.units import PICO, RATE
from exchange.errors import Conflict, Malformed, NotAllowed, NotFound
from exchange.ids import public_id
from exchange.models import Market, OracleMove, StaffAction, User
from exchange.services import tokens
from oracle.core import forecasts
from oracle.core.forecasts import RECORD_MIN, Outside
from oracle.models import Forecast, Forecaster, Run, UsedForecast
from oracle.services import evidence, forecasting, staff
from oracle.services.forecasting import Placed
from oracle.services.replay import replay
from oracle.sources.base import Item
from tests.oracle import world

pytestmark = pytest.mark.django_db
PANEL = [
    {"seat": "words", "reader": "lexicon", "sources": ["wire"]},
    {"seat": "others", "reader": "forecaster", "sources": []},
]
REASON = "They asked, and publish their code."
PER_MILLE = PICO // 1_000


@pytest.fixture
def market(tmp_path: Path, settings: Any) -> Market:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news("A meeting about widgets"))
    return world.oracle_market(panel=PANEL)


@pytest.fixture
def seer(alice: User, admin_user: User) -> Forecaster:
    return staff.forecaster_grant(actor=admin_user, user=alice, name="Seer", reason=REASON)


def place(who: Forecaster, market: Market, key: str = "key-00001", **changes: Any) -> Placed:
    said = {"delta_pico": 10 * PER_MILLE, "confidence_e8": 80_000_000, "stories": [], **changes}
    return forecasting.forecast_place(
        user=who.user, market=market, key=key, lives_s=said.pop("lives_s", 3_600), **said
    )


def proven(who: Forecaster, market: Market, days: int = 2 * RECORD_MIN) -> None:
    """Give a forecaster a past: F went up and down by turns, and it said so each time."""
    now, price = clock.now() - timedelta(hours=1), 10**12
    for n in range(days, 0, -1):
        at = now - timedelta(days=n)
        step = PICO // 100 * (1 if n % 2 else -1)
        Forecast.objects.create(
            forecaster=who,
            market=market,
            key=f"past-{n:05}",
            request_sha256="",
            delta_pico=step,
            confidence_e8=90_000_000,
            made_at=at,
            expires_at=at + timedelta(hours=1),
        )
        OracleMove.objects.create(
            market=market,
            batch_seq=0,
            at=at + timedelta(hours=12),
            ref=f"past:{market.pk}:{n}",
            fundamental_before_pico=price,
            fundamental_pico=price + step,
            target_pico=price,
            market_pico=price,
            wanted_pico=0,
            applied_pico=0,
            confidence_e8=RATE,
        )
        price += step


def test_only_who_was_granted_the_right_may_say_anything(
    market: Market, alice: User, bob: User, admin_user: User
) -> None:
    with pytest.raises(NotAllowed):
        staff.forecaster_grant(actor=bob, user=bob, name="Bob", reason=REASON)
    with pytest.raises(NotAllowed) as refused:
        place(Forecaster(user=bob), market)
    assert refused.value.code == "forecaster_missing"
    who = staff.forecaster_grant(actor=admin_user, user=alice, name=" The  Seer ", reason=REASON)
    assert who.name == "The Seer"
    assert not place(who, market).replayed
    staff.forecaster_withdraw(actor=admin_user, who=who, reason=REASON)
    with pytest.raises(NotAllowed):
        place(who, market, "key-00002")
    assert forecasting.chosen(market.pk, clock.now()) == []
    verbs = StaffAction.objects.order_by("id").values_list("verb", flat=True)
    assert list(verbs)[-2:] == ["oracle.forecaster_on", "oracle.forecaster_off"]


def test_twice_is_once_and_a_used_key_is_no_other_report(seer: Forecaster, market: Market) -> None:
    first = place(seer, market)
    again = place(seer, market)
    assert (again.forecast.pk, again.replayed) == (first.forecast.pk, True)
    with pytest.raises(Conflict) as refused:
        place(seer, market, delta_pico=0)
    assert refused.value.code == "key_reused"
    assert Forecast.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"delta_pico": 301 * PER_MILLE},
        {"delta_pico": -301 * PER_MILLE},
        {"lives_s": 59},
        {"lives_s": 86_401},
        {"stories": ["st_x"] * 11},
        {"key": "short"},
    ],
)
def test_what_is_out_of_range_is_refused(
    seer: Forecaster, market: Market, change: dict[str, Any]
) -> None:
    with pytest.raises(Malformed):
        place(seer, market, **change)
    with pytest.raises(NotFound):
        place(seer, market, stories=[public_id("st", 999)])
    assert not Forecast.objects.exists()


def test_without_a_record_it_moves_nothing(seer: Forecaster, market: Market) -> None:
    kept = place(seer, market).forecast
    run = world.run(market)
    assert run.detail["abstained"] == {"others": "it has nothing to say"}
    assert run.inputs["forecasts"] == [[kept.pk, 0]]
    assert not UsedForecast.objects.exists()
    assert replay(run).is_identical


def test_with_a_record_it_counts_once_and_replays(seer: Forecaster, market: Market) -> None:
    proven(seer, market)
    record = forecasting.record(seer, market, clock.now())
    assert record.score.hits == record.outcomes > RECORD_MIN
    assert record.weight_e8 > RATE // 2
    kept = place(seer, market).forecast
    run = world.run(market)
    report = run.reports.get(seat="others")
    assert (report.delta_pico, report.stated_e8) == (10 * PER_MILLE, 80_000_000)
    assert UsedForecast.objects.get().forecast == kept
    place(seer, market, "key-00002", delta_pico=20 * PER_MILLE)
    again = world.run(market)
    assert again.state == Run.State.APPLIED
    assert "others" in again.detail["abstained"]
    assert replay(run).is_identical
    assert replay(again).is_identical
    staff.forecaster_withdraw(actor=User.objects.get(is_superuser=True), who=seer, reason=REASON)
    assert replay(run).is_identical


def test_it_must_name_something_new_to_count_again(seer: Forecaster, market: Market) -> None:
    proven(seer, market)
    place(seer, market)
    first = world.run(market)
    (old,) = (row[0] for row in first.inputs["stories"])
    place(seer, market, "key-00002", stories=[public_id("st", old)])
    assert "others" in world.run(market).detail["abstained"]
    story = public_id("st", _stored())
    place(seer, market, "key-00003", stories=[story])
    assert [row.key for row in forecasting.chosen(market.pk, clock.now())] == ["key-00003"]


def _stored() -> int:
    item = Item(
        title="Widgets in the news again",
        text="",
        url="",
        publisher="Wire",
        published_at=clock.now() - timedelta(minutes=5),
    )
    (row,) = evidence.store([item], until=clock.now())
    return row.cluster_id


def test_it_ends_and_a_newer_one_takes_its_place(seer: Forecaster, market: Market) -> None:
    place(seer, market, lives_s=60)
    place(seer, market, "key-00002", lives_s=120)
    now = clock.now()
    assert [row.key for row in forecasting.chosen(market.pk, now)] == ["key-00002"]
    assert forecasting.chosen(market.pk, now + timedelta(seconds=121)) == []


@given(
    st.lists(
        st.tuples(
            st.integers(-(3 * PICO // 10), 3 * PICO // 10),
            st.integers(0, RATE),
            st.integers(0, RATE),
        ),
        max_size=6,
    )
)
def test_together_they_say_no_more_than_one_of_them(found: list[tuple[int, int, int]]) -> None:
    def outside(sign: int) -> list[Outside]:
        return [
            Outside(forecast=n, name="", delta_pico=sign * d, confidence_e8=c, weight_e8=w)
            for n, (d, c, w) in enumerate(found)
        ]

    up, down = forecasts.combined(outside(1)), forecasts.combined(outside(-1))
    heard = [(d, c) for d, c, w in found if w and c]
    if up is None or down is None:
        assert up == down
        assert not heard
        return
    assert (-up[0], up[1]) == down
    assert min(d for d, _ in heard) <= up[0] <= max(d for d, _ in heard)
    assert 0 <= up[1] <= RATE


def test_no_better_than_the_usual_guess_is_no_weight() -> None:
    usual = 60 * RATE // 100
    guess = 24 * RATE // 100
    assert forecasts.weight_e8(guess, usual, 100) == 0
    assert forecasts.weight_e8(guess // 2, usual, 100) == RATE // 2
    assert forecasts.weight_e8(0, usual, RECORD_MIN - 1) == 0
    assert forecasts.weight_e8(None, None, 100) == 0
    assert forecasts.weight_e8(0, RATE, 100) == 0


ADDRESS = "/api/v1/forecasts/"


def test_the_api_takes_and_lists_them(seer: Forecaster, market: Market) -> None:
    _, secret = tokens.create(user=seer.user, name="bot", scopes=["forecast"])
    _, other = tokens.create(user=seer.user, name="trader", scopes=["read", "trade"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    body = {"market": market.slug, "delta": "-0.0125", "confidence": "0.7"}
    key = {"Idempotency-Key": "key-00001"}

    def post(by: Client, said: dict[str, Any]) -> Any:
        return by.post(ADDRESS, said, content_type="application/json", headers=key)

    made = post(client, body)
    assert made.status_code == 201, made.content
    assert made.json()["delta"] == "-0.012500000000"
    assert made.json()["used_in"] is None
    assert post(client, body).json() == made.json()
    assert post(client, body).headers["Idempotent-Replay"] == "true"
    assert post(client, {**body, "delta": "0.1"}).status_code == 409
    for wrong in ({"delta": 0.1}, {"delta": "1e-3"}, {"delta": "0.4"}, {"confidence": "1.1"}):
        assert post(client, {**body, **wrong}).status_code == 400, wrong
    assert post(client, {**body, "more": 1}).status_code == 400
    trader = Client(headers={"Authorization": f"Bearer {other}"})
    assert post(trader, body).status_code == 403
    assert [row["id"] for row in client.get(ADDRESS).json()["results"]] == [made.json()["id"]]
    assert Forecast.objects.count() == 1
