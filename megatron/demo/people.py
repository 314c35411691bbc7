"""The people of the demonstration: one trader, one member of staff, and the bots."""

import json
import secrets
from pathlib import Path
from typing import TypedDict

from allauth.account.models import EmailAddress
from django.conf import settings

from exchange.engines.units import MICRO
from exchange.models import User
from exchange.services import ledger
from megatron import embedded

TRADER, STAFF = "trader@demo.example", "admin@demo.example"
BOTS = ("Ada", "Bruno", "Chidi", "Dana", "Emre", "Freya", "Goro", "Hana")
TRADER_CASH = 5_000 * MICRO
BOT_CASH = 60_000 * MICRO


class Login(TypedDict):
    """A demonstration account as it is printed at the start."""

    role: str
    email: str
    password: str


def create() -> list[Login]:
    """Create the people once and return their log-ins; later calls read them back."""
    path = logins_path()
    if path.exists() and User.objects.filter(email=STAFF).exists():
        known: list[Login] = json.loads(path.read_text())
        return known
    logins = [_person("trader", TRADER), _person("staff", STAFF)]
    _write(path, logins)
    trader = User.objects.get(email=TRADER)
    ledger.credit_external(
        user_id=trader.pk, amount_micro=TRADER_CASH, kind="demo", ref=f"demo:{trader.pk}"
    )
    for name in BOTS:
        bot(name)
    return logins


def bot(name: str) -> User:
    """Return a bot, labelled as one everywhere, with money to trade."""
    user, _ = User.objects.get_or_create(
        email=f"bot-{name.lower()}@demo.example",
        defaults={"display_name": f"Bot {name}", "is_bot": True},
    )
    ledger.credit_external(
        user_id=user.pk, amount_micro=BOT_CASH, kind="demo", ref=f"demo:{user.pk}"
    )
    return user


def bots() -> list[User]:
    """Return every bot, in a fixed order."""
    return list(User.objects.filter(is_bot=True).order_by("id"))


def logins_path() -> Path:
    """Where the generated passwords are kept, readable by the owner alone."""
    return Path(embedded.state_dir()) / "demo-logins.json"


def _person(role: str, email: str) -> Login:
    password = secrets.token_urlsafe(9)
    staff = role == "staff"
    user, _ = User.objects.get_or_create(
        email=email,
        defaults={
            "display_name": "Demo trader" if not staff else "Demo staff",
            "is_staff": staff,
            "is_superuser": staff,
        },
    )
    user.set_password(password)
    user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(
        user=user, email=email, defaults={"verified": True, "primary": True}
    )
    return {"role": role, "email": email, "password": password}


def _write(path: Path, logins: list[Login]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(logins, indent=1))


def allowed() -> bool:
    """Whether this installation is a demonstration at all."""
    return bool(settings.DEMO)
