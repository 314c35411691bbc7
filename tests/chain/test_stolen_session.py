"""What a thief with a session reaches by the site's own pages, and when at the earliest."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.db import transaction
from django.test import Client

from chain.clients import endpoints
from chain.models import AddressBookEntry, CredentialChange, Withdrawal
from exchange import clock
from exchange.models import ApiToken, User
from tests.chain.driver import Chain, Embedded
from tests.chain.paying import Till, entry
from tests.chain.stage import depositor
from tests.doors import prove
from tests.factories import key

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
HOUR = 3_600
GOOD = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OLD, NEW = "alice-has-a-long-secret", "the-thief-knows-this-one"
THIEF = "thief@example.org"


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    found = Till(chain, tmp_path)
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    depositor()
    return found


class Thief:
    """A browser with a session of Alice's."""

    def __init__(self, alice: User) -> None:
        self.alice, self.browser = alice, Client()
        self.browser.force_login(alice)
        self.owners_mail = alice.email

    def post(self, where: str, /, **fields: Any) -> Any:
        """Send a form."""
        return self.browser.post(where, fields)

    def step(self, where: str, /, **fields: Any) -> list[str]:
        """Do a step, the password given where asked for; return the letters to the owner."""
        before = len(mail.outbox)
        answer = self.post(where, **fields)
        if "reauthenticate" in answer.headers.get("Location", ""):
            answer = self.post(answer["Location"], password=OLD)
        assert answer.status_code in {200, 302}, answer.status_code
        return [str(one.subject) for one in mail.outbox[before:] if one.to == [self.owners_mail]]

    def pays_at(self, to: AddressBookEntry, hour: float) -> bool:
        """Ask for a withdrawal at an hour, with a proof as fresh as a known password gives it."""
        with clock.shifted(int(hour * HOUR)):
            prove(self.browser, self.alice)
            body = {"entry": to.public_id, "amount": "1", "key": key()}
            answer = self.post("/wallet/withdrawals/", **body)
        assert answer.status_code in {302, 422}
        paid: bool = answer.status_code == 302
        assert not paid or answer["Location"].startswith("/wallet/withdrawals/wdr_")
        return paid


@pytest.fixture
def thief(till: Till, alice: User, monkeypatch: pytest.MonkeyPatch) -> Thief:
    EmailAddress.objects.get_or_create(user=alice, email=alice.email, verified=True, primary=True)
    # the test's own transaction never commits; letters are written within the request
    monkeypatch.setattr(transaction, "on_commit", lambda do, **_: do())
    found = Thief(alice)
    CredentialChange.objects.all().delete()
    return found


Change = Callable[[Thief], list[str]]
BOOK = ("/wallet/addresses/", {"address": GOOD, "label": "Mine"})
TOKEN = ("/account/tokens/", {"name": "bot", "scopes": ["withdraw"]})
MORE_MAIL = ("/accounts/email/", {"action_add": "", "email": THIEF})


def _new_password(thief: Thief) -> list[str]:
    fields = {"oldpassword": OLD, "password1": NEW, "password2": NEW}
    letters = thief.step("/accounts/password/change/", **fields)
    thief.alice.refresh_from_db()
    thief.browser.force_login(thief.alice)  # every session is signed out; the thief knows the new
    return letters


def _new_mail(thief: Thief) -> list[str]:
    thief.step(MORE_MAIL[0], **MORE_MAIL[1])
    link = re.search(r"/accounts/confirm-email/[^\s/]+/", str(mail.outbox[-1].body))
    assert link is not None
    thief.step(link[0])
    letters = thief.step("/accounts/email/", action_primary="", email=THIEF)
    thief.alice.refresh_from_db()
    assert thief.alice.email == THIEF
    return letters


def _new_factor(thief: Thief) -> list[str]:
    where = "/accounts/2fa/totp/activate/"
    away = thief.browser.get(where)["Location"]
    thief.step(away, password=OLD)
    thief.browser.get(where)
    secret = thief.browser.session[totp.SECRET_SESSION_KEY]
    count = next(totp.yield_hotp_counters_from_time())
    code = totp.format_hotp_value(totp.hotp_value(secret, count))
    return thief.step(where, code=code)


def _change_nothing(thief: Thief) -> list[str]:
    return []


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        BOOK,
        TOKEN,
        MORE_MAIL,
        ("/accounts/2fa/totp/activate/", {"code": "123456"}),
        ("/wallet/withdrawals/", {"amount": "1", "key": "a-key-of-the-thief"}),
        ("/accounts/password/change/", {"oldpassword": "?", "password1": NEW, "password2": NEW}),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_session_alone_takes_no_step(
    thief: Thief, nothing_happened: Nothing, where: str, fields: dict[str, Any]
) -> None:
    fields = {"entry": entry(thief.alice).public_id, **fields}
    mail.outbox.clear()
    with nothing_happened():
        answer = thief.post(where, **fields)

    if where == "/accounts/password/change/":
        assert "current password" in answer.content.decode()
    else:
        assert "reauthenticate" in answer["Location"]
    assert not CredentialChange.objects.exists()
    assert not ApiToken.objects.exists()
    assert AddressBookEntry.objects.count() == 1
    assert not mail.outbox


def test_each_step_with_the_password_writes_to_the_owner(thief: Thief) -> None:
    assert thief.step(BOOK[0], **BOOK[1]) == ["A withdrawal address was added"]
    assert thief.step(TOKEN[0], **TOKEN[1]) == ["A token that may withdraw was made"]
    assert _new_mail(thief) == ["Email Changed"]
    # the owner's own address is still there, so it is still written to
    other = {"address": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "label": "Two"}
    assert thief.step("/wallet/addresses/", **other) == ["A withdrawal address was added"]


@pytest.mark.parametrize(
    ("change", "letters", "address_h", "earliest_h"),
    [
        (_new_password, ["Password Changed"], 72, 24),
        (_new_mail, ["Email Changed"], 72, 24),
        (_new_factor, ["Authenticator App Activated"], 72, 24),
        (_new_password, ["Password Changed"], 0, 48),
        (_change_nothing, [], 0, 48),
    ],
)
def test_nothing_leaves_earlier_than_the_owner_can_act(
    thief: Thief, change: Change, letters: list[str], address_h: int, earliest_h: int
) -> None:
    to = entry(thief.alice, age_s=address_h * HOUR)
    assert change(thief) == letters

    early = [hour for hour in range(0, earliest_h, 6) if thief.pays_at(to, hour)]
    assert (early, thief.pays_at(to, earliest_h - 0.05)) == ([], False)
    assert not Withdrawal.objects.exists()
    assert thief.pays_at(to, earliest_h + 0.05)


def test_a_token_leaves_no_earlier_than_a_day(thief: Thief) -> None:
    to = entry(thief.alice, age_s=72 * HOUR)
    thief.step(TOKEN[0], **TOKEN[1])
    page = thief.post(TOKEN[0], **TOKEN[1]).content.decode()
    secret = page.partition('value="mgt_')[2].partition('"')[0]
    assert secret
    statuses = []
    for hour in (0, 12, 23.95, 24.05):
        with clock.shifted(int(hour * HOUR)):
            answer = Client().post(
                "/api/v1/wallet/withdrawals/",
                {"address_id": to.public_id, "amount": "1"},
                content_type="application/json",
                headers={"Authorization": f"Bearer mgt_{secret}", "Idempotency-Key": key()},
            )
            statuses.append(answer.status_code)

    assert statuses == [422, 422, 422, 201]
