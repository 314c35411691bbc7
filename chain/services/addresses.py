"""Deposit addresses: derived from the extended public key, made ahead, given out once for good."""

from bip32 import BIP32
from coincurve import PublicKey
from django.db import connection, transaction

from chain.errors import NodeFault
from chain.hashing import keccak256
from chain.models import DepositAddress, KeyAccount
from chain.services import locks
from exchange import clock
from exchange.models import User

POOL = 200
ONE_MAKER = "SELECT pg_advisory_xact_lock(hashtext('chain.addresses'))"


def register_xpub(xpub: str, path: str) -> KeyAccount:
    """Keep the extended public key that deposit addresses come from; it replaces the one before.

    Raises:  ValueError for anything but a public key.
    """
    if not xpub.startswith("xpub"):
        raise ValueError("only an extended public key may be kept here")
    BIP32.from_xpub(xpub)
    with transaction.atomic():
        others = KeyAccount.objects.filter(purpose=KeyAccount.Purpose.DEPOSITS, is_active=True)
        others.exclude(xpub=xpub).update(is_active=False)
        row, _ = KeyAccount.objects.update_or_create(
            xpub=xpub,
            defaults={"purpose": KeyAccount.Purpose.DEPOSITS, "path": path, "is_active": True},
        )
    return row


def address_of(user: User) -> DepositAddress:
    """Return the user's address, giving out the next one at the first call.

    Raises:  NodeFault where no key is registered.
    Locks:   the address that is given out.
    """
    account = KeyAccount.objects.filter(purpose=KeyAccount.Purpose.DEPOSITS, is_active=True).first()
    if account is None:
        raise NodeFault("deposits are not set up here")
    mine = DepositAddress.objects.filter(account=account, user=user)
    return mine.first() or _give(account, user)


def make_ahead(account: KeyAccount, count: int = POOL) -> int:
    """Keep that many free addresses ready; return how many were made.

    Locks:   one maker at a time, for the length of the transaction.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ONE_MAKER)
        rows = DepositAddress.objects.filter(account=account)
        missing = count - rows.filter(user=None).count()
        if missing <= 0:
            return 0
        last = rows.order_by("-index").values_list("index", flat=True).first()
        start = 0 if last is None else last + 1
        made = derive(account.xpub, range(start, start + missing))
        DepositAddress.objects.bulk_create(
            DepositAddress(account=account, index=index, address=address) for index, address in made
        )
    return missing


def derive(xpub: str, indexes: range) -> list[tuple[int, str]]:
    """Return the addresses of non-hardened children, in lower case."""
    parent = BIP32.from_xpub(xpub)
    return [(index, address_of_key(parent.get_pubkey_from_path([index]))) for index in indexes]


def address_of_key(public_key: bytes) -> str:
    """Return the address of a compressed or whole public key, in lower case."""
    point = PublicKey(public_key).format(compressed=False)
    return "0x" + keccak256(point[1:])[12:].hex()


def _give(account: KeyAccount, user: User) -> DepositAddress:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # two pages of one user at once meet here, and the second finds what the first took
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('chain.give'), %s)", [user.pk])
        mine = DepositAddress.objects.filter(account=account, user=user).first()
        if mine is not None:
            return mine
        taken = _take(account, user)
        if taken is None:
            make_ahead(account)
            taken = _take(account, user)
        assert taken is not None
    return DepositAddress.objects.select_related("account").get(pk=taken)


def _take(account: KeyAccount, user: User) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(locks.TAKE_ADDRESS, [user.pk, clock.now(), account.pk])
        row = cursor.fetchone()
    return row[0] if row else None
