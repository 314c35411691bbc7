"""No key and no password of the signer is in the settings, the environment or the memory of others.

Canaries lie where the signer reads; another process walks the whole site, and its memory is read.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bip32 import BIP32
from django.db import connection
from eth_keyfile.keyfile import decode_keyfile_json

from chain.management.commands.signer import make_embedded
from chain.signer.backends import HOT_PATH
from exchange.models import User
from megatron.embedded import ROOT
from tests.faults.nursery import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

# What web and worker load, and every page without an argument, by somebody who may see all.
PROGRAM = """
import sys
import django
django.setup()
from django.test import Client
from django.urls import URLResolver, get_resolver
from exchange.models import User
from megatron.celery import app
import chain.services.follow

def plain(resolver, before=""):
    for part in resolver.url_patterns:
        path = before + str(part.pattern).strip("^$")
        if isinstance(part, URLResolver):
            yield from plain(part, path)
        elif not set(path) & set("<(?["):
            yield "/" + path

app.loader.import_default_modules()
browser = Client(raise_request_exception=False, SERVER_NAME="localhost")
browser.force_login(User.objects.get(pk=int(sys.argv[1])))
answers = [browser.get(path).status_code for path in plain(get_resolver()) if "logout" not in path]
from django.conf import settings
words = repr({name: getattr(settings, name) for name in dir(settings)})
print(sum(code == 200 for code in answers), flush=True)
sys.stdin.read()
"""
PAGES_LEAST = 30


@contextmanager
def _running(words: list[str], **environment: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, **environment}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def _found(pid: int, canaries: dict[str, bytes]) -> set[str]:
    """Return which canaries are anywhere in a process of ours: its memory holds all it was told."""
    found = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *rest = line.split()
            if "r" not in rights or rest[-1] in {"[vvar]", "[vsyscall]", "[vvar_vclock]"}:
                continue
            first, last = (int(end, 16) for end in span.split("-"))
            memory.seek(first)
            try:
                held = memory.read(last - first)
            except OSError:
                continue
            found |= {name for name, word in canaries.items() if word in held}
    return found


@pytest.fixture
def canaries(tmp_path: Path) -> dict[str, bytes]:
    """Make a signer's folder and return everything in it that nobody else may know."""
    make_embedded(tmp_path)
    password = (tmp_path / "password").read_text().strip().encode()
    stored = json.loads((tmp_path / "keystore.json").read_text())
    seed = bytes(decode_keyfile_json(stored, password))
    key = BIP32.from_seed(seed).get_privkey_from_path(HOT_PATH)
    plain = {"password": password, "seed": seed, "key": key}
    return plain | {f"{name} in hex": word.hex().encode() for name, word in plain.items()}


def test_only_the_signer_holds_what_opens_the_wallet(
    staff: User, tmp_path: Path, canaries: dict[str, bytes]
) -> None:
    where = {"CHAIN_SIGNER_SOCKET": str(tmp_path / "signer.sock")}
    words = [sys.executable, "manage.py", "signer", "--folder", str(tmp_path)]
    with _running(words, **where) as signer:
        assert signer.stdout is not None
        assert "signing for 0x" in signer.stdout.readline()
        assert "key" in _found(signer.pid, canaries), "the search finds nothing, whatever is there"

        name = str(connection.settings_dict["NAME"])
        words = [sys.executable, "-c", PROGRAM, str(staff.pk)]
        with _running(words, DATABASE_URL=database_url(name), **where) as site:
            assert site.stdout is not None
            assert int(site.stdout.readline()) > PAGES_LEAST
            assert _found(site.pid, canaries) == set()
