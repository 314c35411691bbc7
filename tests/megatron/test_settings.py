import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from megatron import settings as as_written

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = {
    "MEGATRON_MODE": "production",
    "DJANGO_SECRET_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": "megatron.example",
}

SETTINGS = (ROOT / "megatron" / "settings.py").read_text()
# A network's endpoint is a reference to a variable; this is the one that a fresh site refers to.
READ = {"CHAIN_RPC_URL", *re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS)}
DEFAULTS = re.findall(r'"([A-Z_]+)", default=(?:"([^"]+)"|([\d_]+))[,)]', SETTINGS)


def _manage(*words: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def _shell(code: str) -> "subprocess.CompletedProcess[str]":
    return _manage("shell", "--no-imports", "-c", code)


def test_production_passes_the_deployment_checks() -> None:
    answer = _manage("check", "--deploy", "--fail-level", "WARNING")

    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("missing", ["DJANGO_SECRET_KEY", "ALLOWED_HOSTS"])
def test_production_demands_what_it_needs(missing: str) -> None:
    answer = _manage("check", **{missing: ""})

    assert answer.returncode != 0
    assert missing in answer.stderr


def test_production_shows_no_demonstration() -> None:
    answer = _shell("from django.conf import settings; assert not settings.DEMO")

    assert answer.returncode == 0, answer.stderr


def test_argon2_comes_first() -> None:
    assert as_written.PASSWORD_HASHERS[0].endswith(".Argon2PasswordHasher")


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/healthz", "/nowhere/"])
@pytest.mark.django_db
def test_the_content_policy_is_strict(client: Client, path: str) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "script-src 'self';" in f"{policy};"
    for word in ("unsafe-inline", "unsafe-eval", "*", "http:", "https:"):
        assert word not in policy


def test_every_redis_name_is_prefixed() -> None:
    names = [
        as_written.CACHES["default"]["KEY_PREFIX"],
        as_written.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"],
        as_written.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"],
    ]

    assert all(str(name).startswith(f"{as_written.REDIS_PREFIX}:") for name in names)


def test_the_example_lists_every_variable_with_its_default() -> None:
    lines = (ROOT / ".env.example").read_text()
    example = dict(re.findall(r"^#([A-Z_]+)=(.*)$", lines, re.MULTILINE))

    assert set(example) == READ
    for name, text, number in DEFAULTS:
        assert example[name] == (text or number.replace("_", "")), name


@pytest.mark.parametrize("table", ["README.md", "docs/RUNBOOK.md"])
def test_the_tables_name_every_variable(table: str) -> None:
    words = set(re.findall(r"\b[A-Z_]{4,}\b", (ROOT / table).read_text()))

    assert words >= READ
