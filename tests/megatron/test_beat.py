import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from megatron.beat import install_schedule
from megatron.celery import BEAT, app

pytestmark = pytest.mark.django_db


def test_installs_the_table_once() -> None:
    assert install_schedule() == len(BEAT)
    assert install_schedule() == 0


def test_leaves_what_staff_changed() -> None:
    install_schedule()
    slower, _ = IntervalSchedule.objects.get_or_create(every=300, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.filter(name=BEAT[0].task).update(interval=slower, enabled=False)

    install_schedule()

    row = PeriodicTask.objects.get(name=BEAT[0].task)
    assert (row.interval, row.enabled) == (slower, False)


def test_every_duty_is_a_task_that_exists() -> None:
    app.loader.import_default_modules()

    assert [duty.task for duty in BEAT if duty.task not in app.tasks] == []


def test_every_duty_goes_where_its_task_is_routed() -> None:
    for duty in BEAT:
        app_name = duty.task.partition(".")[0]

        assert duty.queue == (app_name if app_name in {"oracle", "chain"} else "default")
