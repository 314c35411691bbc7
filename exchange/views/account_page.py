"""A person's own settings: name, security, sessions, keys to the API, demo money."""

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exchange import limits, refusals
from exchange.errors import NotFound, Refused
from exchange.forms import ProfileForm, TokenForm
from exchange.ids import public_id
from exchange.models import User
from exchange.selectors import access
from exchange.services import demo_funds, tokens, users
from exchange.step_up import proved_at
from exchange.views.edge import next_address, page
from exchange.views.tickets import problems


@page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the account; a POST changes the name other people see."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        return _render(request)
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _render(request, status=422, profile_problems=problems(form))
    users.profile_change(user=request.user, display_name=form.cleaned_data["display_name"])
    messages.success(request, "Your name was changed.")
    return redirect("account")


@never_cache
@page
@login_required
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a key and show its secret this once; one that may withdraw asks for the password."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _render(request, status=422, token_problems=problems(form), token_form=form)
    make = _proved_create if tokens.WITHDRAW in form.cleaned_data["scopes"] else _create
    answer: HttpResponse = make(request, form)
    return answer


def _create(request: HttpRequest, form: TokenForm) -> HttpResponse:
    assert isinstance(request.user, User)
    limits.count("token", request, request.user.pk)
    values = form.cleaned_data
    try:
        token, secret = tokens.create(
            user=request.user,
            name=values["name"],
            scopes=values["scopes"],
            ttl=form.ttl,
            proved_at=proved_at(request),
        )
    except Refused as refusal:
        found = [{"field": "", "text": refusals.of(refusal)}]
        return _render(request, status=422, token_problems=found, token_form=form)
    return _render(request, fresh_token=token, secret=secret)


_proved_create = reauthentication_required()(_create)


@page
@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: str) -> HttpResponse:
    """End one of the user's own keys."""
    assert isinstance(request.user, User)
    limits.count("read", request, request.user.pk)
    token = access.token_of(request.user, token_id)
    if tokens.revoke(token=token):
        messages.success(request, f"The token {token.name} no longer works.")
    return redirect("account")


@page
@login_required
@require_POST
def demo_funds_create(request: HttpRequest) -> HttpResponse:
    """Give a visitor of the demo something to trade with, once a day."""
    assert isinstance(request.user, User)
    if not settings.DEMO:
        raise NotFound("there is no play money here")
    try:
        demo_funds.grant(request.user)
    except Refused as refusal:
        messages.warning(request, refusals.of(refusal))
    else:
        messages.success(request, "1\u202f000 demo USDC are in your cash.")
    return redirect(next_address(request, "/"))


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Explain the three prices, the rules and the keys."""
    return render(request, "exchange/help_page.html")


def _render(request: HttpRequest, *, status: int = 200, **extra: object) -> HttpResponse:
    assert isinstance(request.user, User)
    rows = [(public_id("tok", row.pk), row) for row in request.user.api_tokens.all()]
    context = {
        "tokens": rows,
        "token_form": TokenForm(),
        "scopes": tokens.SCOPES,
        "lives": TokenForm.LIVES,
        **extra,
    }
    return render(request, "exchange/account_page.html", context, status=status)
