"""What the oracle read, said and spent is never rewritten: the database itself refuses."""

import inspect
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import InternalError, ProgrammingError, connection, models, transaction

from oracle import models as tables

# State that moves on: what may change in each is the affair of its services.
MOVING = {"Run", "Schedule", "Source", "CachedAnswer", "Backtest", "Forecaster"}


def frozen() -> Iterator[type[models.Model]]:
    for model in apps.get_app_config("oracle").get_models():
        if model.__name__ not in MOVING:
            yield model


def test_every_table_is_either_frozen_or_known_to_move() -> None:
    names = {model.__name__ for model in apps.get_app_config("oracle").get_models()}
    assert names >= MOVING
    exported = {name for name, one in vars(tables).items() if inspect.isclass(one)}
    assert {model.__name__ for model in frozen()} <= exported


@pytest.mark.django_db
@pytest.mark.parametrize("model", list(frozen()), ids=lambda model: model.__name__)
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_its_rows_are_kept(model: type[models.Model], verb: str) -> None:
    """A row-level trigger needs a row: one of nulls, with every other rule switched off."""
    table, key = model._meta.db_table, model._meta.pk
    assert key is not None
    columns = [
        one for one in model._meta.local_concrete_fields if one is not key or key.remote_field
    ]
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")
        for one in columns:
            if one is not key:
                cursor.execute(f'ALTER TABLE "{table}" ALTER "{one.column}" DROP NOT NULL')
        cursor.execute(f'INSERT INTO "{table}" ("{key.column}") VALUES (4711)')
        cursor.execute("SET LOCAL session_replication_role = origin")
        asked = verb.format(table, key.column, key.column)
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            cursor.execute(asked)
        transaction.set_rollback(True)
