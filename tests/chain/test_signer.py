"""The signer: what it refuses, what it remembers, and that nobody else can read a key."""

import ast
import base64
import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from eth_account import Account

from chain.clients.signer import SocketSigner
from chain.errors import SignerFault, SignerRefused
from chain.services import calls
from chain.signer.backends import LocalKeystore
from chain.signer.desk import Desk
from chain.signer.journal import Journal, JournalBroken
from chain.signer.policy import Contracts, Policy
from chain.signer.server import Server
from chain.signer.transactions import LOW_S_MAX
from chain.signer.turnkey import ORDER, Turnkey
from exchange import clock
from tests.chain.purses import desk_of

ROOT = Path(__file__).resolve().parents[2]
TOKEN, BATCH, PAYEE = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
TREASURY = "0x" + "44" * 20
POLICY = Policy(
    chains={7: Contracts(token=TOKEN, disperse=BATCH, treasury=TREASURY)},
    per_payment_micro=100,
    per_day_micro=250,
    swept_per_day_micro=1_000,
    max_fee_wei=10**12,
)
USDC = 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desk_of(tmp_path, POLICY)


def _request(**fields: Any) -> dict[str, Any]:
    return {
        "op": "sign", "chain_id": 7, "nonce": 0, "to": TOKEN, "gas": 100_000,
        "data": calls.transfer(PAYEE, 60).hex(), "max_fee_wei": 10**9, "tip_wei": 1, **fields,
    }  # fmt: skip


def test_signs_what_a_node_would_take(desk: Desk) -> None:
    answer = desk.answer(_request())

    assert (
        Account.recover_transaction(answer["raw"]).lower()
        == desk.answer({"op": "about"})["address"]
    )
    assert desk.answer(_request()) == answer


REFUSED = [
    ("chain", {"chain_id": 1}),
    ("call", {"to": PAYEE}),
    ("call", {"data": calls.data_of("approve(address,uint256)", PAYEE, 1).hex(), "to": BATCH}),
    ("spender", {"data": calls.data_of("approve(address,uint256)", PAYEE, 1).hex()}),
    ("call", {"data": calls.data_of("burn(uint256)", 1).hex()}),
    ("call", {"data": calls.transfer(PAYEE, 60).hex() + "00"}),
    ("call", {"data": calls.transfer(PAYEE, 60).hex() + "00" * 32}),
    ("call", {"data": ""}),
    ("value", {"value": 1}),
    ("value", {"to": PAYEE, "data": "", "value": 10**18}),
    ("fee", {"max_fee_wei": 10**13}),
    ("fee", {"max_fee_wei": 10**12 + 1}),
    ("fee", {"tip_wei": 10**9 + 1}),
    ("fee", {"tip_wei": -1}),
    ("fee", {"gas": 10**9}),
    ("payment_limit", {"data": calls.transfer(PAYEE, 101).hex()}),
    ("recipient", {"data": calls.transfer("0x" + "00" * 20, 1).hex()}),
    ("recipient", {"data": calls.transfer(TOKEN, 1).hex()}),
    ("recipient", {"data": calls.transfer(BATCH, 1).hex()}),
    ("payment_limit", {"to": BATCH, "data": calls.disperse(TOKEN, [(PAYEE, 101)]).hex()}),
    ("call", {"to": BATCH, "data": calls.disperse(PAYEE, [(PAYEE, 5)]).hex()}),
    ("call", {"to": BATCH, "data": calls.disperse(TOKEN, [(PAYEE, 5)]).hex()[:-64]}),
    ("form", {"nonce": "one"}),
    ("form", {"data": "zz"}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change"), REFUSED)
def test_refuses_what_the_policy_does_not_list(
    desk: Desk, rule: str, change: dict[str, Any]
) -> None:
    assert desk.answer(_request(**change)).get("refused") == rule


def test_the_day_is_capped_even_with_a_caller_that_was_taken_over(desk: Desk) -> None:
    for nonce in range(4):
        assert "raw" in desk.answer(_request(nonce=nonce))

    assert desk.answer(_request(nonce=4))["refused"] == "day_limit"
    with clock.shifted(86_401):
        assert "raw" in desk.answer(_request(nonce=4))


def test_a_batch_counts_whole(desk: Desk) -> None:
    batch = calls.disperse(TOKEN, [(PAYEE, 100), (PAYEE, 100)]).hex()

    assert "raw" in desk.answer(_request(to=BATCH, data=batch))
    assert desk.answer(_request(nonce=1))["refused"] == "day_limit"


def test_one_nonce_is_one_payment_at_any_fee(desk: Desk) -> None:
    own = desk.answer({"op": "about"})["address"]

    assert "raw" in desk.answer(_request())
    assert "raw" in desk.answer(_request(max_fee_wei=2 * 10**9))
    other = _request(data=calls.transfer(PAYEE, 59).hex())
    assert desk.answer(other)["refused"] == "nonce"
    assert "raw" in desk.answer(_request(to=own, data=""))
    assert desk.answer(_request(max_fee_wei=4 * 10**9))["refused"] == "nonce"


def test_the_log_is_kept_over_a_restart_and_an_edit_is_noticed(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, POLICY)
    desk.answer(_request())
    desk.answer(_request(chain_id=1))
    again = desk_of(tmp_path, POLICY)
    assert again.answer(_request(data=calls.transfer(PAYEE, 59).hex()))["refused"] == "nonce"

    log = tmp_path / "signed.log"
    log.write_text(log.read_text().replace('"amount_micro": 60', '"amount_micro": 6', 1))
    with pytest.raises(JournalBroken, match="line 1"):
        Journal(log).open()


def _wish(index: int, amount: int) -> dict[str, Any]:
    return {
        "op": "authorize", "chain_id": 7, "index": index, "to": TREASURY, "amount_micro": amount,
        "valid_before_s": 2**40, "nonce": f"0x{index:064x}",
    }  # fmt: skip


def test_swept_money_has_a_limit_of_its_own_that_outlives_a_restart(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, POLICY)
    assert "v" in desk.answer(_wish(1, 700))
    assert "v" in desk.answer(_wish(1, 700))  # the same once more is no more
    again = desk_of(tmp_path, POLICY)

    assert again.answer(_wish(2, 301))["refused"] == "day_limit"
    assert "v" in again.answer(_wish(2, 300))
    assert "raw" in again.answer(_request(data=calls.transfer(PAYEE, 100).hex()))
    to_us = _request(nonce=1, data=calls.transfer(TREASURY, 1).hex())
    assert again.answer(to_us)["refused"] == "day_limit"
    with clock.shifted(86_401):
        assert "raw" in again.answer(to_us)


def test_a_policy_is_read_as_it_is_written(tmp_path: Path) -> None:
    words = {"token": TOKEN.upper().replace("X", "x"), "treasury": TREASURY, "signing_name": "US D"}
    (tmp_path / "policy.json").write_text(json.dumps({"chains": {"7": words}, "max_fee_wei": 5}))
    policy = Policy.read(tmp_path / "policy.json")

    assert policy.chains[7].token == TOKEN
    assert policy.chains[7].domain(7).name == "US D"


def test_the_socket_serves_its_own_user_alone(tmp_path: Path, desk: Desk) -> None:
    path = tmp_path / "s"
    stop = threading.Event()
    server = Server(path, desk)
    thread = threading.Thread(target=server.serve_until, args=(stop,))
    thread.start()
    try:
        signer = SocketSigner(str(path))
        fields = {k: v for k, v in _request().items() if k != "op"}
        assert signer.about()["address"].startswith("0x")
        assert signer.sign(**fields).tx_hash == desk.answer(_request())["hash"]
        with pytest.raises(SignerRefused, match="not on the list"):
            signer.sign(**{**fields, "chain_id": 1})
        wish = {k: v for k, v in _wish(4, 5).items() if k != "op"}
        assert signer.authorize(**wish).owner.startswith("0x")
        with pytest.raises(SignerRefused, match="not the treasury"):
            signer.authorize(**{**wish, "to": PAYEE})
        assert path.stat().st_mode & 0o077 == 0
        server.users = frozenset({os.geteuid() + 1})
        with pytest.raises(SignerFault):
            signer.about()
    finally:
        stop.set()
        thread.join()


def test_a_keystore_needs_its_password(tmp_path: Path) -> None:
    made = LocalKeystore.create(tmp_path / "k", b"right", work=2)

    assert LocalKeystore(tmp_path / "k", b"right").address == made.address
    assert made.xpub.startswith("xpub")
    assert (tmp_path / "k").stat().st_mode & 0o077 == 0
    with pytest.raises(ValueError, match="MAC"):
        LocalKeystore(tmp_path / "k", b"wrong")


class FakeTurnkey:
    """A custodian that checks stamps, signs with a key of its own, and lies when told to."""

    def __init__(self) -> None:
        self.api = ec.generate_private_key(ec.SECP256R1())
        self.account = Account.create()
        self.lie = ""

    @property
    def api_public(self) -> str:
        form = serialization.PublicFormat.CompressedPoint
        return self.api.public_key().public_bytes(serialization.Encoding.X962, form).hex()

    @property
    def api_private(self) -> str:
        return f"{self.api.private_numbers().private_value:064x}"

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        packed = headers["X-Stamp"]
        stamp = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        assert stamp["scheme"] == "SIGNATURE_SCHEME_TK_API_P256"
        if stamp["publicKey"] != self.api_public:
            return 401, b"{}"
        try:
            self.api.public_key().verify(
                bytes.fromhex(stamp["signature"]), body, ec.ECDSA(hashes.SHA256())
            )
        except InvalidSignature:
            return 401, b"{}"
        asked = json.loads(body)
        digest = bytes.fromhex(asked["parameters"]["payload"][2:])
        if self.lie == "digest":
            digest = bytes(32)
        account = Account.create() if self.lie == "key" else self.account
        signed = account.unsafe_sign_hash(digest)
        r, s, v = signed.r, signed.s, signed.v - 27
        if self.lie == "high":
            s, v = ORDER - s, v ^ 1
        if self.lie == "parity":
            v ^= 1
        if self.lie == "none":
            return 200, json.dumps({"activity": {"status": "ACTIVITY_STATUS_PENDING"}}).encode()
        result = {"r": f"{r:064x}", "s": f"{s:064x}", "v": f"{v:02x}"}
        return 200, json.dumps({"activity": {"result": {"signRawPayloadResult": result}}}).encode()


@pytest.fixture
def custodian() -> FakeTurnkey:
    return FakeTurnkey()


def _turnkey(custodian: FakeTurnkey, **changes: str) -> Turnkey:
    keys = {"api_public_key": custodian.api_public, "api_private_key": custodian.api_private}
    return Turnkey(
        organization="org", address=custodian.account.address, post=custodian.post,
        **{**keys, **changes},
    )  # fmt: skip


@pytest.mark.parametrize("lie", ["", "high"])
def test_turnkey_signs_stamped_requests(tmp_path: Path, custodian: FakeTurnkey, lie: str) -> None:
    custodian.lie = lie
    desk = Desk(_turnkey(custodian), POLICY, Journal(tmp_path / "log").open())
    answer = desk.answer(_request())

    assert Account.recover_transaction(answer["raw"]) == custodian.account.address
    assert _turnkey(custodian).sign(bytes(31) + b"\x01").s <= LOW_S_MAX


@pytest.mark.parametrize("lie", ["key", "digest", "parity", "none"])
def test_turnkey_is_not_believed(custodian: FakeTurnkey, lie: str) -> None:
    custodian.lie = lie
    with pytest.raises(SignerFault):
        _turnkey(custodian).sign(bytes(31) + b"\x01")


def test_turnkey_signs_for_the_deposit_address_alone(custodian: FakeTurnkey) -> None:
    address, digest = custodian.account.address.lower(), bytes(31) + b"\x01"

    assert _turnkey(custodian).sign_deposit(3, address, digest).signer_of(digest) == address
    with pytest.raises(SignerFault, match="another key"):
        _turnkey(custodian).sign_deposit(3, PAYEE, digest)


def test_turnkey_refuses_another_stamp(custodian: FakeTurnkey) -> None:
    stranger = FakeTurnkey()
    turnkey = _turnkey(
        custodian, api_public_key=stranger.api_public, api_private_key=stranger.api_private
    )

    with pytest.raises(SignerFault, match="401"):
        turnkey.sign(bytes(32))


def test_nothing_but_the_signer_knows_how_to_read_a_key() -> None:
    inside = {"chain/signer", "chain/management/commands/signer.py"}
    for file in (f for app in ("megatron", "exchange", "chain", "oracle", "liquidity")
                 for f in (ROOT / app).rglob("*.py")):  # fmt: skip
        name = file.relative_to(ROOT).as_posix()
        if any(name.startswith(place) for place in inside) or name.startswith("chain/devnet"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                words = [getattr(node, "module", "") or "", *(a.name for a in node.names)]
                reads = [w for w in words if w.startswith(("chain.signer", "eth_keyfile"))]
                assert not reads, (name, reads)
            assert getattr(node, "attr", "") not in {"get_privkey_from_path", "from_seed"}, name


def test_a_disk_that_is_full_for_a_moment_leaves_the_log_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(tmp_path, POLICY)
    assert "raw" in desk.answer(_request())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            desk.answer(_request(nonce=1))
    assert "raw" in desk.answer(_request(nonce=1))

    again = desk_of(tmp_path, POLICY)
    assert again.answer(_request(data=calls.transfer(PAYEE, 59).hex()))["refused"] == "nonce"
