"""A person's word changes what is counted from then on, and nothing that was made before."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from exchange import clock
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Market, StaffAction, User
from oracle.core import card
from oracle.models import Card, HumanLabel, OracleSpec, Run
from oracle.services import calibrating, cards, lived, staff
from oracle.services.replay import replay
from tests.oracle import world
from tests.oracle.test_calibration import DAY_S, START, steps

REASON = "The story was about something else."
DELTA, LEVEL = OracleSpec(kind="delta"), OracleSpec(kind="level")


def counted(spec: OracleSpec, signs: list[int], until_days: int = 9) -> list[tuple[bool, int]]:
    """Return what is learnt of ten claims of a rise, the first of which people judged."""
    said = tuple((START + timedelta(days=n + 1), sign) for n, sign in enumerate(signs))
    first, *rest = steps(10)
    judged = replace(first, run=7, labels=said)
    until = START + timedelta(days=until_days)
    found = calibrating.labels_of(spec, [judged, *rest], [], until, DAY_S)
    return [(one.hit, one.outcome) for one in found.get(("lexicon", first.versions["lexicon"]), [])]


def test_the_newest_word_by_then_counts_before_the_own_move() -> None:
    before = counted(DELTA, [])
    assert counted(DELTA, [1]) == [(True, -7), *before[1:]]
    assert counted(DELTA, [1, -1]) == [(False, -7), *before[1:]]
    assert counted(DELTA, [0]) == [(False, -7), *before[1:]], "no change proves a rise wrong"
    assert counted(DELTA, [1, -1, 1], until_days=2)[0] == (False, -7)
    assert counted(DELTA, [-1], until_days=0) == []
    assert counted(LEVEL, [1]) == []


def test_a_claim_judged_neutral_by_a_person_is_wrong() -> None:
    said = card.Claim(sign=1, confidence_e8=1, truth_sign=0, is_labelled=True)
    made = card.score([said, replace(said, is_labelled=False)])
    assert (made.judged, made.hits) == (1, 0)


@pytest.fixture
def market(tmp_path: Path, settings: Any) -> Market:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD))
    return world.oracle_market()


def lived_card(market: Market) -> Card:
    now = clock.now()
    return cards.card_of_runs(market_id=market.pk, start=now - timedelta(hours=1), end=now)


@pytest.mark.django_db
def test_a_label_changes_the_next_card_and_never_a_past_run(
    market: Market, admin_user: User, client: Client
) -> None:
    run = world.run(market)
    before, kept = lived_card(market), list(run.reports.values())
    assert before.rows.get(of="all").judged == 0

    staff.run_label(actor=admin_user, run=run, sign=-1, reason=REASON)

    after = lived_card(market)
    for of in ("all", "reader", "source", "topic"):
        row = after.rows.get(of=of)
        assert (row.judged, row.hits) == (1, 0)
    assert (before.labelled, after.labelled) == (0, 1)
    before.refresh_from_db()
    assert before.rows.get(of="all").judged == 0
    assert list(run.reports.values()) == kept
    assert replay(Run.objects.get(pk=run.pk)).is_identical
    assert lived.steps(world.spec(market), run.started_at, clock.now())[0].labels[0][1] == -1
    shown = client.get(f"/oracle/runs/{run.public_id}/").content.decode()
    assert f"Judged by a person: falls. {REASON}" in shown
    told = client.get(f"/api/v1/runs/{run.public_id}/").json()["judgement"]
    assert (told["word"], told["reason"]) == ("falls", REASON)
    assert admin_user.email not in shown
    page = client.get(f"/markets/{market.slug}/oracle/card/").content.decode()
    assert "A person judged 1 of the runs." in page


@pytest.mark.django_db
def test_staff_judge_in_the_admin_and_nobody_else(
    market: Market, admin_user: User, charlie: User
) -> None:
    run = world.run(market)
    chief = Client()
    chief.force_login(admin_user)
    listed = reverse("admin:oracle_run_changelist")
    chosen = {"action": "label", ACTION_CHECKBOX_NAME: [str(run.pk)], "reason": REASON}
    chief.post(listed, {**chosen, "sign": "2"}, follow=True)
    assert not HumanLabel.objects.exists()
    chief.post(listed, {**chosen, "sign": "0"}, follow=True)
    chief.post(listed, {**chosen, "sign": "1"}, follow=True)
    assert list(HumanLabel.objects.values_list("sign", "by_id")) == [
        (0, admin_user.pk),
        (1, admin_user.pk),
    ]
    assert StaffAction.objects.filter(verb="oracle.labelled").count() == 2
    with pytest.raises(NotAllowed):
        staff.run_label(actor=charlie, run=run, sign=1, reason=REASON)
    with pytest.raises(Malformed):
        staff.run_label(actor=admin_user, run=run, sign=1, reason="no")
    dry = staff.dry_run(actor=admin_user, market_id=market.pk, reason=REASON)
    with pytest.raises(Unprocessable) as refused:
        staff.run_label(actor=admin_user, run=dry, sign=1, reason=REASON)
    assert refused.value.code == "label_refused"
    with pytest.raises(DatabaseError), transaction.atomic():
        HumanLabel.objects.update(sign=-1)
    with pytest.raises(DatabaseError), transaction.atomic():
        HumanLabel.objects.all()._raw_delete("default")
