"""No version is followed without its report card, which staff ask for and watch being made."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from exchange import clock
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Market, StaffAction, User
from exchange.selectors import portfolio
from exchange.services import orders
from liquidity.services import decisions
from oracle.models import (
    Activation,
    Backtest,
    Card,
    CostEntry,
    Forecaster,
    OracleSpec,
    Run,
    Schedule,
    Source,
)
from oracle.selectors import past
from oracle.services import backtests, cards, specs, staff, sweep
from oracle.tasks import oracle_backtests
from tests.factories import active_market, funded_user, key, usdc
from tests.liquidity.proposals import proposed
from tests.oracle import world

pytestmark = pytest.mark.django_db
REASON = "Because it is tested."


@pytest.fixture
def fresh(tmp_path: Path, settings: Any) -> Market:
    """A market whose oracle has a specification and nothing else."""
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    now = clock.now()
    rows = [world.news(f"{world.GOOD} {n}", at=now - timedelta(hours=n)) for n in range(1, 9)]
    world.archive(tmp_path, "wire", *rows)
    market = active_market(quorum=1)
    specs.spec_save(market_id=market.pk, fields=world.spec_fields())
    return market


def newest(market: Market) -> OracleSpec:
    return OracleSpec.objects.filter(market=market).latest("version")


def asked(market: Market, actor: User, hours: int = 6) -> Backtest:
    now = clock.now()
    return staff.backtest_start(
        actor=actor,
        spec=newest(market),
        reason=REASON,
        start=now - timedelta(hours=hours),
        end=now,
        step_s=3_600,
        horizon_s=3_600,
    )


def test_a_market_without_a_card_has_no_oracle(fresh: Market, client: Client) -> None:
    assert not Schedule.objects.exists()
    assert sweep.sweep() == []
    assert not Run.objects.exists()
    for page in ("oracle/", "oracle/card/"):
        answer = client.get(f"/markets/{fresh.slug}/{page}")
        assert "awaits its report card" in answer.content.decode()


def test_a_card_opens_the_gate(fresh: Market, admin_user: User, client: Client) -> None:
    with pytest.raises(Unprocessable) as refused:
        staff.spec_follow(actor=admin_user, spec=newest(fresh), reason=REASON)
    assert refused.value.code == "card_missing"
    job = asked(fresh, admin_user)
    assert (job.state, job.runs) == ("queued", 7)
    page = client.get(f"/markets/{fresh.slug}/oracle/").content.decode()
    assert "0 of 7 runs played" in page
    assert oracle_backtests() == "done"
    assert oracle_backtests() == ""
    job.refresh_from_db()
    assert (job.played, job.card, job.lease_until) == (7, Card.objects.get(), None)
    assert "has its report card" in client.get(f"/markets/{fresh.slug}/oracle/").content.decode()
    staff.spec_follow(actor=admin_user, spec=newest(fresh), reason=REASON)
    assert Activation.objects.get().card == job.card
    assert sweep.sweep() == [fresh.pk]
    with pytest.raises(Unprocessable):
        staff.spec_follow(actor=admin_user, spec=newest(fresh), reason=REASON)
    page = client.get(f"/markets/{fresh.slug}/oracle/").content.decode()
    assert "report card and is not" not in page


def test_a_card_that_says_next_to_nothing_opens_nothing(
    fresh: Market, admin_user: User, tmp_path: Path
) -> None:
    def refusal() -> dict[str, Any]:
        assert backtests.advance() is not None
        with pytest.raises(Unprocessable) as refused:
            staff.spec_follow(actor=admin_user, spec=newest(fresh), reason=REASON)
        assert refused.value.code == "card_thin"
        assert not Schedule.objects.exists()
        return refused.value.fields

    asked(fresh, admin_user, hours=specs.EVENTS_MIN - 2)
    few = refusal()
    assert (few["events"], few["events_min"]) == (specs.EVENTS_MIN - 1, specs.EVENTS_MIN)
    world.write(tmp_path, "wire")
    asked(fresh, admin_user)
    empty = refusal()
    assert (empty["events"], empty["stories"], empty["judged"]) == (7, 0, 0)
    assert empty["judged_min"] == specs.JUDGED_MIN
    Source.objects.update(is_enabled=False, options={"file": "nowhere.jsonl"})
    asked(fresh, admin_user)
    assert refusal()["events"] == 0


def test_a_version_is_tried_before_it_is_followed_and_that_is_a_past_to_play(
    fresh: Market, admin_user: User
) -> None:
    chief = Client()
    chief.force_login(admin_user)
    listed = reverse("admin:oracle_oraclespec_changelist")
    chosen = {"action": "rehearse", ACTION_CHECKBOX_NAME: [str(newest(fresh).pk)], "reason": REASON}
    for _ in range(2):
        chief.post(listed, chosen, follow=True)
    assert list(Run.objects.values_list("number", "is_dry", "state")) == [
        (1, True, "decided"),
        (2, True, "decided"),
    ]
    stored = past.Stored(Source.objects.get(), fresh.pk)
    assert len(stored.fetch("", clock.now() - timedelta(days=1), clock.now(), 25)) == 8
    specs.spec_follow(spec=newest(fresh), waived="A market of a test.")
    assert world.run(fresh).number == 3


def test_a_waiver_is_shown_for_as_long_as_it_holds(fresh: Market, client: Client) -> None:
    specs.spec_follow(spec=newest(fresh), waived="The board has decided.")
    for page in ("oracle/", "oracle/card/"):
        shown = client.get(f"/markets/{fresh.slug}/{page}").content.decode()
        assert "Version 1 is followed without a report card" in shown
        assert "by an exception: The board has decided." in shown
    now = clock.now()
    period: dict[str, Any] = {
        "start": now - timedelta(hours=7),
        "end": now,
        "step_s": 3_600,
        "horizon_s": 3_600,
    }
    cards.card_make(market_id=fresh.pk, spec=newest(fresh), **period)
    specs.spec_follow(spec=newest(fresh))
    shown = client.get(f"/markets/{fresh.slug}/oracle/").content.decode()
    assert "by an exception" not in shown


def test_a_proposed_market_takes_no_money_before_it_is_followed(
    tmp_path: Path, settings: Any, alice: User, admin_user: User
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    one = {"parameters": {"quorum": 1}}
    whole = {"stake_micro": usdc("500"), "parameters": {"soft_cap": "500", "quorum": 1}}
    for name, changes in (("Rain in Lima", one), ("Copper theft", whole)):
        request = proposed(alice, name, **changes)
        decisions.request_approve(actor=admin_user, request=request, reason=REASON)
    part, whole_market = Market.objects.order_by("id")
    assert [market.status for market in (part, whole_market)] == ["funding", "funding"]
    bob = funded_user("1000")

    def give(market: Market) -> Any:
        return orders.contribution_place(
            user=bob, market=market, amount_micro=usdc("200"), key=key()
        )

    with pytest.raises(Unprocessable) as refused:
        give(part)
    assert refused.value.code == "gate_shut"
    assert portfolio.money(bob).cash_micro == usdc("1000")
    reader = Client()
    reader.force_login(bob)
    shown = reader.get(f"/liquidity/{part.slug}/").content.decode()
    assert "has its report card and is followed" in shown
    assert decisions.requests_advance() == 0
    for market in (part, whole_market):
        fields = world.spec_fields()
        specs.spec_save(market_id=market.pk, fields=fields, waived="A market of a test.")
    assert give(part).accepted
    assert decisions.requests_advance() == 1
    whole_market.refresh_from_db()
    assert whole_market.status == "active"


def test_only_staff_ask_and_only_for_the_past(
    fresh: Market, admin_user: User, charlie: User
) -> None:
    with pytest.raises(NotAllowed):
        asked(fresh, charlie)
    now = clock.now()
    for start, end in ((now, now - timedelta(hours=1)), (now, now + timedelta(hours=1))):
        with pytest.raises(Malformed):
            staff.backtest_start(
                actor=admin_user,
                spec=newest(fresh),
                reason=REASON,
                start=start,
                end=end,
                step_s=60,
            )
    assert not Backtest.objects.exists()


def test_a_worker_that_dies_loses_its_place_and_nothing_is_made_twice(
    fresh: Market, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked(fresh, admin_user)
    monkeypatch.setattr(backtests, "TELL_S", -1.0)
    real, runs = cards.card_make, []

    def interrupted(**fields: Any) -> Any:
        each = fields.pop("each")

        def told(played: int) -> None:
            each(played)
            runs.append(Backtest.objects.get(pk=job.pk).played)
            if played == 3 and len(runs) == 3:
                Backtest.objects.filter(pk=job.pk).update(lease_until=clock.now())
                assert backtests.advance() is not None  # another worker takes it meanwhile

        return real(each=told, **fields)

    monkeypatch.setattr(cards, "card_make", interrupted)
    backtests.advance()
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("done", 2)
    assert Card.objects.count() == 1
    assert runs == [1, 2, 3, *range(1, 8)]


def test_a_card_that_cannot_be_made_says_why(
    fresh: Market, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked(fresh, admin_user)
    monkeypatch.setattr(cards, "card_make", _refuse)
    assert backtests.advance() is not None
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "it is senseless")
    Backtest.objects.filter(pk=job.pk).update(state="queued", attempt=backtests.ATTEMPTS_MAX)
    backtests.advance()
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "no worker finished it")


def _refuse(**_: Any) -> Card:
    raise Malformed("it is senseless")


def test_staff_do_all_of_it_in_the_admin(fresh: Market, admin_user: User, alice: User) -> None:
    chief = Client()
    chief.force_login(admin_user)
    listed = reverse("admin:oracle_oraclespec_changelist")
    spec, now = newest(fresh), clock.now()

    def do(verb: str, address: str, key: int, **more: str) -> str:
        chosen = {"action": verb, ACTION_CHECKBOX_NAME: [str(key)], "reason": REASON, **more}
        return chief.post(address, chosen, follow=True).content.decode()

    assert "awaits its card" in chief.get(listed).content.decode()
    assert "awaits its report card" in do("follow", listed, spec.pk)
    period = {
        "start": f"{now - timedelta(hours=7):%Y-%m-%d %H:%M:%S}",
        "end": f"{now - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}",
    }
    do("backtest", listed, spec.pk, step_s="3600", horizon_s="3600", **period)
    assert Backtest.objects.get().asked_by == admin_user
    assert "card queued: 0 of 7" in chief.get(listed).content.decode()
    oracle_backtests()
    assert "has its card" in chief.get(listed).content.decode()
    do("follow", listed, spec.pk)
    assert "followed" in chief.get(listed).content.decode()
    added = chief.post(
        reverse("admin:oracle_forecaster_add"),
        {"user": alice.pk, "name": "Seer", "reason": REASON},
    )
    assert added.status_code == 302
    assert Forecaster.objects.get().is_active
    do("withdraw", reverse("admin:oracle_forecaster_changelist"), alice.pk)
    assert not Forecaster.objects.get().is_active
    for name in ("activation", "backtest", "calibration", "forecast", "usedforecast"):
        assert chief.get(reverse(f"admin:oracle_{name}_changelist")).status_code == 200


def test_staff_replay_a_run_and_see_what_a_market_cost(
    fresh: Market, admin_user: User, charlie: User
) -> None:
    specs.spec_follow(spec=newest(fresh), waived="A market of a test.")
    run = world.run(fresh)
    chief = Client()
    chief.force_login(admin_user)
    listed = reverse("admin:oracle_run_changelist")
    chosen = {"action": "replay", ACTION_CHECKBOX_NAME: [str(run.pk)], "reason": REASON}
    assert "Replay: run 1" in chief.post(listed, chosen, follow=True).content.decode()
    assert StaffAction.objects.get(verb="oracle.replayed").detail == {"run": run.public_id}
    Run.objects.filter(pk=run.pk).update(reports_sha256="0" * 64)
    assert "the replay differs" in chief.post(listed, chosen, follow=True).content.decode()
    assert StaffAction.objects.filter(verb="oracle.replayed").count() == 1
    with pytest.raises(NotAllowed):
        staff.replay_check(actor=charlie, run=run, reason=REASON)
    CostEntry.objects.create(source=Source.objects.get(), market=fresh, run=run, cost_micro=250_000)
    page = chief.get(reverse("admin:oracle_schedule_changelist")).content.decode()
    assert "0.25 USD of 1.00 USD" in page
