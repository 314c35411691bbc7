"""Asking for a withdrawal: the form, its preview, the confirmation; then each step of it."""

from dataclasses import dataclass
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chain.clients import endpoints
from chain.errors import NodeFault
from chain.forms import BookForm, WithdrawalForm
from chain.models import Network
from chain.selectors import access, wallet
from chain.selectors.wallet import EntryView
from chain.services import book, withdrawal_rules, withdrawals
from chain.services.withdrawal_rules import Limits, Proof
from exchange import limits as rates
from exchange import refusals
from exchange.errors import Refused, Unavailable, Unprocessable
from exchange.models import User
from exchange.step_up import proved_at
from exchange.views.edge import page
from exchange.views.market_context import new_key
from exchange.views.tickets import problems

HTTP_FINE, HTTP_REFUSED = 200, 422
Problems = list[dict[str, str]]

# The field that a refusal is about; the others are about no field.
FIELD_OF = {
    "withdrawal_too_small": "amount",
    "withdrawal_limit": "amount",
    "not_final_yet": "amount",
    "insufficient_funds": "amount",
    "address_too_new": "entry",
    "address_other_network": "entry",
    "address_refused": "address",
    "already_so": "address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a withdrawal would do, before anything is asked for."""

    entry: EntryView
    amount_micro: int
    fee_micro: int
    left_micro: int
    cash_after_micro: int
    needs_review: bool

    @property
    def total_micro(self) -> int:
        """What leaves the cash."""
        return self.amount_micro + self.fee_micro


@page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_new(request: HttpRequest) -> HttpResponse:
    """Show the form, or what a filled one would do."""
    assert isinstance(request.user, User)
    network = _network(request)
    if request.method != "POST":
        return _form(request, network)
    form = WithdrawalForm(request.POST)
    if not form.is_valid():
        return _form(request, network, found=problems(form))
    limits = withdrawal_rules.limits_of(request.user, network)
    entry = access.entry_of(request.user, form.cleaned_data["entry"])
    seen = _preview(network, limits, wallet.entry_view(entry), form.cleaned_data["amount"])
    try:
        withdrawal_rules.require_allowed(
            user=request.user, network=network, entry=entry, amount_micro=seen.amount_micro
        )
        _require_cash(seen)
    except Refused as refusal:
        return _form(request, network, found=[_problem(refusal)])
    context = {
        "network": network,
        "limits": limits,
        "preview": seen,
        "key": new_key(),
        "amount": request.POST["amount"],
    }
    return render(request, "chain/withdraw_preview.html", context)


@page
@login_required
@require_POST
@reauthentication_required()  # type: ignore[untyped-decorator]
def withdraw_create(request: HttpRequest) -> HttpResponse:
    """Set the money aside and queue the payment, once per form. Limited as the API is."""
    assert isinstance(request.user, User)
    rates.count("money", request, request.user.pk)
    network, form = _network(request), WithdrawalForm(request.POST)
    if not form.is_valid():
        return _form(request, network, found=problems(form))
    entry = access.entry_of(request.user, form.cleaned_data["entry"])
    try:
        row = withdrawals.withdrawal_request(
            user=request.user,
            network=network,
            entry=entry,
            amount_micro=form.cleaned_data["amount"],
            key=request.POST.get("key", ""),
            proof=Proof(at=proved_at(request)),
        )
    except Refused as refusal:
        return _form(request, network, found=[_problem(refusal)])
    return redirect("withdrawal_page", withdrawal_id=row.public_id)


@page
@login_required
@require_safe
def withdrawal_page(request: HttpRequest, withdrawal_id: str) -> HttpResponse:
    """Show one of one's own withdrawals, step by step."""
    assert isinstance(request.user, User)
    row = access.withdrawal_of(request.user, withdrawal_id)
    template = "chain/withdrawal_page.html"
    if getattr(request, "htmx", False):
        template = "chain/partials/_withdrawal.html"
    context = {
        "view": wallet.withdrawal_view(row),
        "row": row,
        "events": row.events.all(),
        "network": row.network,
    }
    return render(request, template, context)


@page
@login_required
@require_POST
def withdrawal_cancel(request: HttpRequest, withdrawal_id: str) -> HttpResponse:
    """Take one's own withdrawal back before it is signed."""
    assert isinstance(request.user, User)
    rates.count("trade", request, request.user.pk)
    row = access.withdrawal_of(request.user, withdrawal_id)
    try:
        withdrawals.withdrawal_cancel(user=request.user, withdrawal=row)
    except Refused as refusal:
        messages.error(request, refusals.of(refusal))
    else:
        messages.success(request, "The withdrawal is cancelled and the money back in your cash.")
    return redirect("withdrawal_page", withdrawal_id=row.public_id)


@page
@login_required
@require_POST
def book_add(request: HttpRequest) -> HttpResponse:
    """Enter an address into one's own book; what is wrong in it is said before a password is."""
    network, form = _network(request), BookForm(request.POST)
    if not form.is_valid():
        return _form(request, network, found=problems(form))
    answer: HttpResponse = _book_add(request, network, form)
    return answer


@reauthentication_required()  # type: ignore[untyped-decorator]
def _book_add(request: HttpRequest, network: Network, form: BookForm) -> HttpResponse:
    assert isinstance(request.user, User)
    rates.count("money", request, request.user.pk)
    try:
        nodes = endpoints.nodes_of(network)
        book.entry_add(user=request.user, nodes=nodes, network=network, **form.cleaned_data)
    except Refused as refusal:
        return _form(request, network, found=[_problem(refusal)])
    except (NodeFault, Unavailable):
        away = "The chain does not answer at the moment. Try again shortly."
        return _form(request, network, found=[{"field": "", "text": away}], status=503)
    messages.success(request, "The address is in your book. It may be paid in 48 hours.")
    return redirect(_form_again(request))


@page
@login_required
@require_POST
def book_remove(request: HttpRequest, entry_id: str) -> HttpResponse:
    """Take an address out of one's own book."""
    assert isinstance(request.user, User)
    rates.count("trade", request, request.user.pk)
    book.entry_remove(entry=access.entry_of(request.user, entry_id))
    messages.success(request, "The address is no longer in your book.")
    return redirect(_form_again(request))


def _network(request: HttpRequest) -> Network:
    """Return the network that a form or an address names, the first one where neither does."""
    return access.network_named(request.POST.get("network") or request.GET.get("network"))


def _form_again(request: HttpRequest) -> str:
    """Return the form's address, of the network that was shown."""
    shown = request.POST.get("network", "")
    return f"{reverse('withdraw')}?network={shown}" if shown.isdigit() else reverse("withdraw")


def _form(
    request: HttpRequest, network: Network, *, found: Problems | None = None, status: int = 0
) -> HttpResponse:
    """Show both forms with what was typed; what was found stands above them and at their fields."""
    assert isinstance(request.user, User)
    found = found or []
    context: dict[str, Any] = {
        "network": network,
        "limits": withdrawal_rules.limits_of(request.user, network),
        "networks": access.networks(),
        "book": wallet.book_of(request.user, network),
        "problems": found,
        "wrong": {problem["field"]: problem["text"] for problem in found if problem["field"]},
        "typed": request.POST,
        "chosen": request.POST.get("entry", request.GET.get("entry", "")),
    }
    status = status or (HTTP_REFUSED if found else HTTP_FINE)
    return render(request, "chain/withdraw_form.html", context, status=status)


def _problem(refusal: Refused) -> dict[str, str]:
    return {"field": FIELD_OF.get(refusal.code, ""), "text": refusals.of(refusal)}


def _preview(network: Network, limits: Limits, entry: EntryView, amount: int) -> Preview:
    fee = network.withdrawal_fee_micro
    return Preview(
        entry=entry,
        amount_micro=amount,
        fee_micro=fee,
        left_micro=min(limits.day_left_micro, limits.network_left_micro) - amount,
        cash_after_micro=limits.cash_micro - amount - fee,
        needs_review=amount > network.review_above_micro,
    )


def _require_cash(seen: Preview) -> None:
    """Raise Unprocessable insufficient_funds where the cash does not cover it."""
    if seen.cash_after_micro < 0:
        raise Unprocessable(
            "the cash does not cover it",
            code="insufficient_funds",
            fields={
                "needed_micro": seen.total_micro,
                "available_micro": seen.total_micro + seen.cash_after_micro,
            },
        )
