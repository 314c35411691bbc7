"""Pages of proposals: the form with its linter, one's own proposals, and one of them."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exchange import refusals
from exchange.errors import Conflict, Malformed, Refused, Unprocessable
from exchange.models import User
from exchange.selectors import portfolio
from exchange.views.edge import page
from exchange.views.market_context import new_key
from liquidity.core.specification import lint
from liquidity.forms import ProposalForm
from liquidity.selectors import access, simulations, subjects
from liquidity.selectors.requests import first_contribution, requests_of
from liquidity.services import proposals, requests

SHOWN_MAX = 50
SECTIONS = (
    ("What it is", ("name", "ticker", "slug", "topic", "unit", "question")),
    ("What it follows", ("summary", "rules")),
    ("What the oracle reads", ("kind", "queries", "rise_words", "fall_words", "sources")),
    (
        "How it trades",
        ("P0_init", "depth", "fee", "band", "interval", "max_stale", "quorum"),
    ),
    ("How it is funded", ("soft_cap", "hard_cap", "min_lp", "funding_seconds", "stake")),
)
UNITS = {"depth": "%", "fee": "%", "band": "%", "P0_init": "USDC"}
UNITS |= dict.fromkeys(("soft_cap", "hard_cap", "min_lp", "stake"), "USDC")
WIDE = frozenset({"question", "summary", "rules", "queries", "sources", "differs"})
HINTS = {
    "depth": "How far a trade as large as the pool moves the price.",
    "fee": "0.3 to 2 %; most of it goes to the providers.",
    "band": "How far from the oracle view buying at once may push the price.",
    "soft_cap": "Trading starts the moment this is in.",
    "quorum": "Reports from different readers or sources that one event takes.",
    "stake": "At least 100 USDC. Set aside now; yours again unless the market opens.",
}
# What a parameter's refusal says; the others have a range.
CONDITIONS = {
    "hard_cap": "The most that is taken is at least the goal.",
    "max_stale": "Opens pause no sooner than the oracle runs.",
    "fee_max": "The fee is too high.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of the form with everything that is wrong with it."""

    field: BoundField
    complaints: list[str]
    unit: str
    hint: str
    is_wide: bool


@page
@login_required
@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """Show one's own proposals, newest first."""
    assert isinstance(request.user, User)
    rows = requests_of(request.user, limit=SHOWN_MAX)[:SHOWN_MAX]
    return render(request, "liquidity/request_list.html", {"requests": rows})


@page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest) -> HttpResponse:
    """Check a proposal as often as wanted, then send it with its stake."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        form = ProposalForm()
        return render(request, "liquidity/request_new.html", _context(request, form, {}, []))
    form = ProposalForm(request.POST)
    sends = request.POST.get("step") == "send"
    complaints, near = _checked(form, asks_books=not sends)
    if sends and not complaints:
        try:
            made = _sent(request.user, form, request.POST.get("key", ""))
        except (Unprocessable, Conflict, Malformed) as refusal:
            complaints = _of(refusal)
        else:
            messages.success(request, "The proposal is with our staff, and its stake set aside.")
            return redirect("request_page", request_id=made.public_id)
    context = _context(request, form, complaints, near) | {"is_ready": not complaints}
    status = 422 if complaints else 200
    return render(request, "liquidity/request_new.html", context, status=status)


@page
@login_required
@require_safe
def request_page(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show one of one's own proposals; anybody else's does not exist."""
    assert isinstance(request.user, User)
    row = access.request_of(request.user, request_id)
    pinned = simulations.headline(row.market_id) if row.market_id else None
    context = {"row": row, "first": first_contribution(row), "pinned": pinned}
    return render(request, "liquidity/request_page.html", context)


@page
@login_required
@require_POST
def request_withdraw(request: HttpRequest, request_id: str) -> HttpResponse:
    """Take a proposal back; the stake returns at once."""
    assert isinstance(request.user, User)
    row = access.request_of(request.user, request_id)
    try:
        requests.request_withdraw(user=request.user, request=row)
    except Unprocessable as refusal:
        messages.error(request, refusals.of(refusal))
    else:
        messages.success(request, "The proposal is withdrawn and its stake back in your cash.")
    return redirect("request_page", request_id=request_id)


def _sent(user: User, form: ProposalForm, key: str) -> Any:
    return requests.request_create(
        user=user,
        words=form.words,
        brief=form.brief,
        parameters=form.parameters,
        stake_micro=form.cleaned_data["stake"],
        differs=form.text("differs"),
        key=key,
    )


def _checked(form: ProposalForm, *, asks_books: bool) -> tuple[dict[str, list[str]], list[Any]]:
    """Return everything that is wrong, by field, and what the proposal is near to.

    What is sent is compared with the books by the service, which knows a repetition.
    """
    complaints: dict[str, list[str]] = {}
    for name, texts in form.errors.items():
        complaints.setdefault(name, []).extend(map(str, texts))
    for finding in lint(form.draft):
        complaints.setdefault(finding.field, []).append(finding.sentence)
    if not form.text("name"):
        # an address of its own is made of the name
        complaints.pop("slug", None)
    near = subjects.near(form.draft) if form.text("name") else []
    if asks_books and not complaints:
        try:
            proposal = proposals.proposal_of(
                form.words, form.brief, form.parameters, form.text("differs")
            )
            proposals.require_fit(proposal, form.cleaned_data["stake"])
        except (Unprocessable, Malformed) as refusal:
            complaints = _of(refusal)
    return complaints, near


def _of(refusal: Refused) -> dict[str, list[str]]:
    """Return a refusal beside the field that it is about."""
    place = {
        "duplicate_market": "differs",
        "slug_taken": "slug",
        "stake_out_of_range": "stake",
        "insufficient_funds": "stake",
    }.get(refusal.code, "")
    if refusal.code == "config_invalid":
        name = str(refusal.fields.get("field", ""))
        usual = "This is outside the range that markets may have."
        return {name if name in ProposalForm.base_fields else "": [CONDITIONS.get(name, usual)]}
    return {place: [refusals.of(refusal)]}


def _context(
    request: HttpRequest, form: ProposalForm, complaints: dict[str, list[str]], near: list[Any]
) -> dict[str, Any]:
    assert isinstance(request.user, User)
    shown = [(title, [_row(form, name, complaints) for name in names]) for title, names in SECTIONS]
    return {
        "form": form,
        "sections": shown,
        "differs": _row(form, "differs", complaints),
        "near": near,
        "problems": [
            {"field": name, "text": text} for name, texts in complaints.items() for text in texts
        ],
        "key": request.POST.get("key") or new_key(),
        "money": portfolio.money(request.user),
        "stake_shown": form.text("stake"),
    }


def _row(form: ProposalForm, name: str, complaints: dict[str, list[str]]) -> Row:
    field = form[name]
    return Row(
        field=field,
        complaints=complaints.get(name, []),
        unit=UNITS.get(name, ""),
        hint=HINTS.get(name, str(field.help_text)),
        is_wide=name in WIDE,
    )
