"""Every migration of ours can be taken back, and made again to the same tables."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json
import django
django.setup()
from django.core.management import call_command
from django.db import connection

SHAPE = '''
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
     WHERE table_schema = 'public'
     UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), ''
      FROM pg_trigger WHERE NOT tgisinternal
     UNION ALL SELECT proname, prosrc, '', '' FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace'''

def shape():
    with connection.cursor() as cursor:
        cursor.execute(SHAPE)
        return sorted(cursor.fetchall())

def ours():
    apps = ("chain_", "liquidity_", "oracle_", "exchange_")
    return [row[0] for row in shape() if row[0].startswith(apps) and row[1] == "id"]

call_command("migrate", verbosity=0)
first = shape()
for app in ("chain", "liquidity", "oracle", "exchange"):
    call_command("migrate", app, "zero", verbosity=0)
left = ours()
call_command("migrate", verbosity=0)
again = shape()
differ = [list(map(str, row)) for row in set(first) ^ set(again)]
print(json.dumps({"tables": len(first), "left": left, "differ": differ}))
"""


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.django_db
def test_every_migration_is_taken_back_and_made_again() -> None:
    wanted = connection.get_connection_params()
    name = f"reversed_{uuid.uuid4().hex[:12]}"
    place = {k: wanted[k] for k in ("host", "user", "port", "password") if wanted.get(k)}
    with psycopg.connect(**place, dbname="postgres", autocommit=True) as raw:
        raw.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            found = _taken_back(f"postgresql://{quote(place['user'])}@/{name}?host={place['host']}")
        finally:
            raw.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    assert found["left"] == []
    assert found["differ"] == []
    assert found["tables"] > 500


def _taken_back(url: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "megatron.settings"},
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
