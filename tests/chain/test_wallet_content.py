"""What the wallet's pages say in figures: times, links, limits left, and why a queue waits."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chain.clients import endpoints
from chain.models import CredentialChange, NonceSlot
from exchange import figures
from exchange.models import User
from tests.chain.driver import Chain, Embedded, call_data
from tests.chain.paying import Till, entry, withdraw
from tests.chain.stage import depositor, scan
from tests.doors import prove
from tests.factories import usdc

pytestmark = pytest.mark.django_db
EXPLORER = "https://explorer.example"


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    depositor()
    return Till(
        chain, tmp_path, finality_blocks=10, block_ms=12_000, finality_s=120,
        explorer_url=EXPLORER, endpoints=["env:A", "env:B"],
    )  # fmt: skip


@pytest.fixture
def hers(client: Client, alice: User) -> Client:
    client.force_login(alice)
    CredentialChange.objects.all().delete()
    prove(client, alice)
    return client


def _text(answer: Any) -> str:
    assert answer.status_code == 200
    return _plain(answer.content.decode())


def _plain(words: str) -> str:
    """Return words with every gap alike: figures are grouped by narrow ones."""
    return " ".join(words.split())


def _age(seconds: int) -> str:
    return _plain(figures.age(seconds))


def _usdc(text: str) -> str:
    return _plain(figures.usdc(usdc(text)))


def test_a_deposit_says_how_far_it_is_how_long_and_where_to_look(
    till: Till, hers: Client, alice: User
) -> None:
    first = _text(hers.get("/wallet/"))
    assert f"usually {_age(120)} after it arrives" in first
    tx = till.chain.pay(alice.deposit_addresses.get().address, usdc("5"))
    till.chain.mine(4)
    scan(till.network, till.chain.node)
    shown = _text(hers.get("/wallet/moves/"))

    # three blocks on it, seven to come, twelve seconds each
    assert "3 of 10</span> blocks, about" in shown
    assert f"about {_age(84)} to go" in shown
    assert f'<a href="{EXPLORER}/tx/{tx}" rel="noreferrer">' in shown
    till.chain.mine(8)
    scan(till.network, till.chain.node)
    done = _text(hers.get("/wallet/moves/"))
    assert "to go" not in done
    assert f'href="{EXPLORER}/tx/{tx}"' in done
    till.network.explorer_url = ""
    till.network.save()
    assert '<a href="/tx/' not in _text(hers.get("/wallet/moves/"))


def test_a_withdrawal_says_each_step_with_its_time_and_where_to_look(
    till: Till, hers: Client, alice: User
) -> None:
    row = withdraw(alice, till.network, "12.5")
    page = f"/wallet/withdrawals/{row.public_id}/"
    held = _text(hers.get(page))
    assert "Asked for and set aside" in held
    assert EXPLORER not in held
    assert f'datetime="{row.requested_at:%Y-%m-%dT%H:%M}' in held
    till.round()
    sent = NonceSlot.objects.get().attempts.get().tx_hash
    signed = _text(hers.get(page))
    for words in ("Approved", "Signed", "Sent to the chain"):
        assert f'<span class="strong">{words}</span>' in signed
    assert f'href="{EXPLORER}/tx/{sent}"' in signed
    till.finish(14)
    done = _text(hers.get(page))
    assert "Arrived for good" in done
    assert f'<code class="break">{sent}</code>' in done
    assert f'href="{EXPLORER}/tx/{sent}"' in done


def test_what_is_left_of_the_limits_is_said_before_and_after(
    till: Till, hers: Client, alice: User
) -> None:
    assert f"{_usdc('2000')} of {_usdc('2000')} USDC" in _text(hers.get("/wallet/"))
    withdraw(alice, till.network, "400")
    shown = _text(hers.get("/wallet/"))
    assert f"{_usdc('1600')} of {_usdc('2000')} USDC" in shown
    assert "0.10 USDC</dd>" in shown
    form = _text(hers.get("/wallet/withdraw/"))
    assert f"599.90 USDC are free to leave, {_usdc('1600')} within these 24 hours" in form
    to = entry(alice)
    asked = {"entry": to.public_id, "amount": "100"}
    preview = _text(hers.post("/wallet/withdraw/", asked))
    left = f'<dd class="num">{_usdc("1500")} USDC'
    assert f"limit after</dt>{left}" in preview
    assert 'Cash after</dt><dd class="num">499.80 USDC' in preview
    assert f"final about {_age(120)} later" in preview


def test_a_queue_that_waits_says_why_and_lets_its_people_go(
    till: Till, hers: Client, alice: User
) -> None:
    row = withdraw(alice, till.network)
    till.chain.send(till.chain.token, call_data("pause()"))
    till.chain.mine()
    till.round()
    why = "The token is paused by its issuer"
    page = f"/wallet/withdrawals/{row.public_id}/"
    shown = _text(hers.get(page))
    assert f"{why}. The payment waits." in shown
    assert "Cancel the withdrawal" in shown
    for address in ("/wallet/", "/wallet/withdraw/"):
        assert why in _text(hers.get(address))
    till.chain.send(till.chain.token, call_data("unpause()"))
    till.chain.mine()
    till.round()

    for address in ("/wallet/", "/wallet/withdraw/", page):
        assert why not in _text(hers.get(address))
