"""What must hold before money is set aside for a withdrawal, and what is left of the limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from chain.core import withdrawal
from chain.core.withdrawal import State
from chain.models import AddressBookEntry, CredentialChange, Network, Withdrawal
from chain.services import credit
from exchange import clock, figures
from exchange.errors import NotAllowed, Unprocessable
from exchange.models import Account, AccountKind, ApiToken, User
from exchange.services import proofs, tokens

DAY = timedelta(seconds=withdrawal.DAY_S)
NOT_PAID = (State.CANCELLED.value, State.RETURNED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How the caller proved to be the owner: by signing in again, or by a token with the scope."""

    at: datetime | None = None
    token: ApiToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What somebody may withdraw now, in micro-USDC, and what stands in the way."""

    cash_micro: int
    not_final_micro: int
    day_limit_micro: int
    day_left_micro: int
    network_left_micro: int
    frozen_until: datetime | None

    @property
    def available_micro(self) -> int:
        """The most that may leave now, the fee included."""
        return max(0, self.cash_micro - self.not_final_micro)


def limits_of(user: User, network: Network) -> Limits:
    """Return what is left of every limit."""
    now = clock.now()
    cash = Account.objects.filter(user=user, market=None, kind=AccountKind.CASH).first()
    age_s = int((now - user.date_joined).total_seconds())
    limit = withdrawal.day_limit(age_s)
    recent = Withdrawal.objects.filter(requested_at__gt=now - DAY).exclude(state__in=NOT_PAID)
    mine, all_ = _total(recent.filter(user=user)), _total(recent.filter(network=network))
    return Limits(
        cash_micro=cash.balance_micro if cash else 0,
        # cash knows no network: what came early by one must not leave by another
        not_final_micro=credit.exposed_micro(None, user.pk),
        day_limit_micro=limit,
        day_left_micro=max(0, limit - mine),
        network_left_micro=max(0, network.day_cap_micro - all_),
        frozen_until=frozen_until(user, now),
    )


def frozen_until(user: User, now: datetime) -> datetime | None:
    """Return until when nothing leaves after a change of credentials, None without one."""
    change = CredentialChange.objects.filter(user=user).first()
    until = change.at + timedelta(seconds=withdrawal.FREEZE_S) if change else None
    return until if until and until > now else None


def payable_from(entry: AddressBookEntry) -> datetime:
    """Return from when an address may be paid."""
    return entry.created_at + timedelta(seconds=withdrawal.NEW_ADDRESS_S)


def require(
    *, user: User, network: Network, entry: AddressBookEntry, amount_micro: int, proof: Proof
) -> None:
    """Refuse what the rules forbid, before anything is set aside.

    The caller holds the turn of the user and of the network, so that no two requests share a limit.
    Raises:  NotAllowed step_up_needed or not_allowed; Unprocessable token_too_new,
             withdrawals_paused, address_other_network, address_too_new, withdrawals_frozen,
             withdrawal_too_small, withdrawal_limit, not_final_yet.
    """
    if proof.token is not None:
        _require_aged(proof.token)
    else:
        proofs.require_fresh(proof.at)
    require_allowed(user=user, network=network, entry=entry, amount_micro=amount_micro)


def require_allowed(
    *, user: User, network: Network, entry: AddressBookEntry, amount_micro: int
) -> None:
    """Refuse what the rules forbid, whoever asks; a preview needs no proof. Raises as `require`."""
    if not (network.is_enabled and network.withdrawals_on):
        raise Unprocessable("withdrawals are paused on this network", code="withdrawals_paused")
    if entry.user_id != user.pk or entry.removed_at is not None:
        raise NotAllowed("this address is not in your book")
    if entry.network_id not in {None, network.pk}:
        raise Unprocessable(
            f"this address is in your book for another network, not for {network.name}",
            code="address_other_network",
            fields={"chain_id": network.chain_id},
        )
    _require_time(user, entry, clock.now())
    if amount_micro < network.withdrawal_min_micro:
        raise Unprocessable(
            f"the smallest withdrawal is {figures.usdc_exact(network.withdrawal_min_micro)} USDC",
            code="withdrawal_too_small",
            fields={"least_micro": network.withdrawal_min_micro},
        )
    _require_limits(limits_of(user, network), amount_micro, network.withdrawal_fee_micro)


def _require_aged(token: ApiToken) -> None:
    until = tokens.withdraws_from(token)
    if clock.now() < until:
        raise Unprocessable(
            "a token does not withdraw in its first 24 hours; this one may from"
            f" {until:%d %b %Y %H:%M} UTC on",
            code="token_too_new",
            fields={"until": until.isoformat()},
        )


def _require_time(user: User, entry: AddressBookEntry, now: datetime) -> None:
    until = payable_from(entry)
    if now < until:
        raise Unprocessable(
            "this address is too new; 48 hours must pass",
            code="address_too_new",
            fields={"until": until.isoformat()},
        )
    frozen = frozen_until(user, now)
    if frozen is not None:
        raise Unprocessable(
            "nothing leaves for 24 hours after a change of password, e-mail or second factor",
            code="withdrawals_frozen",
            fields={"until": frozen.isoformat()},
        )


def _require_limits(limits: Limits, amount: int, fee: int) -> None:
    left = min(limits.day_left_micro, limits.network_left_micro)
    if amount > left:
        raise Unprocessable(
            f"{figures.usdc_exact(amount)} USDC exceed the {figures.usdc_exact(left)} that may"
            " still leave within these 24 hours",
            code="withdrawal_limit",
            fields={"left_micro": left, "limit_micro": limits.day_limit_micro},
        )
    if limits.not_final_micro and limits.available_micro < amount + fee <= limits.cash_micro:
        raise Unprocessable(
            f"{figures.usdc_exact(limits.not_final_micro)} USDC were credited early and may leave"
            " once their block is final",
            code="not_final_yet",
            fields={"available_micro": limits.available_micro},
        )


def _total(rows: QuerySet[Withdrawal]) -> int:
    return rows.aggregate(total=Sum("amount_micro"))["total"] or 0
