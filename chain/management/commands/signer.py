"""manage.py signer: the one process that reads keys, on a Unix socket."""

import json
import os
import secrets
import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.devnet.genesis import CHAIN_ID, TREASURY, account, deployed
from chain.signer.backends import Backend, LocalKeystore
from chain.signer.desk import Desk
from chain.signer.journal import Journal, JournalBroken
from chain.signer.policy import Policy
from chain.signer.server import Server
from chain.signer.turnkey import Turnkey

PRIVATE = 0o700


class Command(BaseCommand):
    """Serve until told to stop. It uses no database and has no part of the site in it."""

    help = __doc__
    requires_system_checks: tuple[()] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Say where everything is; nothing secret is given on the command line."""
        parser.add_argument("--folder", type=Path, help="keystore, policy and log")
        parser.add_argument("--backend", choices=("local", "turnkey"), default="local")
        parser.add_argument(
            "--embedded", action="store_true", help="make a keystore and a policy for the devnet"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Open the key, then the socket."""
        path = Path(settings.CHAIN_SIGNER_SOCKET)
        folder: Path = options["folder"] or path.parent
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(PRIVATE)
        if options["embedded"]:
            make_embedded(folder)
        try:
            backend = _turnkey() if options["backend"] == "turnkey" else _local(folder)
            policy = Policy.read(folder / "policy.json")
            journal = Journal(folder / "signed.log").open()
        except (OSError, ValueError, KeyError, TypeError, JournalBroken) as error:
            raise CommandError(f"the signer cannot start: {error}") from error
        desk = Desk(backend, policy, journal, getattr(backend, "xpub", _word("SIGNER_XPUB", "")))
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        server = Server(path, desk)
        self.stdout.write(f"signing for {backend.address} at {path}")
        server.serve_until(stop)


def _local(folder: Path) -> LocalKeystore:
    password = _word("SIGNER_PASSWORD", "") or (folder / "password").read_text().strip()
    return LocalKeystore(folder / "keystore.json", password.encode())


def _turnkey() -> Backend:
    return Turnkey(
        organization=_word("TURNKEY_ORGANIZATION_ID"),
        address=_word("TURNKEY_SIGN_WITH"),
        api_public_key=_word("TURNKEY_API_PUBLIC_KEY"),
        api_private_key=_word("TURNKEY_API_PRIVATE_KEY"),
    )


def _word(name: str, default: str | None = None) -> str:
    """Return a secret from the environment, or from the file that NAME_FILE names."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    found = os.environ.get(name, default)
    if found is None:
        raise ValueError(f"{name} is not set")
    return found


def make_embedded(folder: Path) -> None:
    """Make what a development signer needs, once; the policy knows the devnet alone."""
    password, store, policy = (folder / n for n in ("password", "keystore.json", "policy.json"))
    if not store.exists():
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        LocalKeystore.create(store, password.read_text().encode())
    written: dict[str, Any] = json.loads(policy.read_text()) if policy.exists() else {"chains": {}}
    at = deployed()
    known = written["chains"].setdefault(str(CHAIN_ID), {})
    # what a policy of an earlier release does not say is added; what it says stays
    for name, word in {
        "token": at.token, "disperse": at.disperse, "sweeper": at.sweeper,
        "treasury": account(TREASURY).address, "signing_name": "Test USD",
    }.items():  # fmt: skip
        known.setdefault(name, word)
    policy.write_text(json.dumps(written, indent=2))
