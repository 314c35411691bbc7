"""`manage.py replay_run`: the same hash from the stored evidence, or exit 1 and why."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from oracle.analysts import lexicon
from oracle.models import Evidence, Run
from tests.oracle import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, settings: Any) -> Run:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    world.archive(tmp_path, "wire", world.news(world.GOOD), world.news("Widgets slip again"))
    return world.run(world.oracle_market())


def replayed(name: str) -> str:
    out = StringIO()
    call_command("replay_run", name, stdout=out)
    return out.getvalue()


def test_the_replay_is_identical(run: Run) -> None:
    said = replayed(run.public_id)
    assert said.splitlines() == [
        f"{run.public_id} stored   {run.reports_sha256}",
        f"{run.public_id} replayed {run.reports_sha256}",
        "identical",
    ]
    assert replayed(str(run.pk)) == said


def test_a_reader_that_answers_differently_is_noticed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexicon, "CONFIDENCE_MAX_E8", 50_000_000)
    with pytest.raises(CommandError, match="differs") as caught:
        replayed(run.public_id)
    assert caught.value.returncode == 1


def test_a_new_version_of_a_reader_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon.Lexicon, "version", "lexicon-next")
    assert "lexicon-next now" in replayed(run.public_id)


def test_changed_evidence_is_noticed(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE oracle_evidence SET title = title || '.'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    with pytest.raises(CommandError, match="not what was stored"):
        replayed(run.public_id)


def test_changed_inputs_are_noticed(run: Run) -> None:
    run.inputs["fundamental_pico"] = "1"
    Run.objects.filter(pk=run.pk).update(inputs=run.inputs)
    with pytest.raises(CommandError, match="differs"):
        replayed(run.public_id)


def test_later_copies_change_nothing(run: Run) -> None:
    head = Evidence.objects.order_by("id").first()
    assert head is not None
    Evidence.objects.create(
        cluster=head.cluster,
        sha256=b"x" * 32,
        content_sha256=head.content_sha256,
        publisher="Late News",
        title=head.title,
        published_at=head.published_at,
    )
    assert "identical" in replayed(run.public_id)


@pytest.mark.parametrize("name", ["run_0000000000000", "run_x", "999999", "nonsense"])
def test_an_unknown_run_is_an_error(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="there is no"):
        replayed(name)


def test_a_run_that_read_nothing_cannot_be_replayed(run: Run) -> None:
    opened = world.started(run.market)
    with pytest.raises(CommandError, match="before anything was read"):
        replayed(opened.public_id)
