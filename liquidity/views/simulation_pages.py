"""Pages of the launch simulator: one's own runs, the form, a run from queue to plots, pinning."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exchange import refusals
from exchange.errors import NotAllowed, NotFound, TooMany, Unprocessable
from exchange.models import User
from exchange.selectors import access as core_access
from exchange.views.edge import page
from liquidity.models import OPEN
from liquidity.models.requests import MarketRequest
from liquidity.selectors import access, simulations
from liquidity.selectors.requests import requests_of
from liquidity.services import simulations as services
from liquidity.views import simulation_form as forms
from liquidity.views.simulation_result import result_of

PROPOSALS_MAX = 20


@page
@login_required
@require_safe
def simulation_list(request: HttpRequest) -> HttpResponse:
    """Show one's own runs, newest first, with how far each is."""
    assert isinstance(request.user, User)
    runs = list(simulations.simulations_of(request.user))
    context = {"runs": runs, "is_open": any(run.state in OPEN for run in runs)}
    return render(request, "liquidity/simulation_list.html", context)


@page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def simulation_new(request: HttpRequest) -> HttpResponse:
    """Set the knobs and queue a run. `from` in the address says whose parameters to begin with."""
    assert isinstance(request.user, User)
    asked = request.POST if request.method == "POST" else request.GET
    source = asked.get("from", "")
    base, scenario, label = _source(request.user, source)
    if request.method != "POST":
        form = forms.filled(base, scenario)
        return render(request, "liquidity/simulation_new.html", _context(request, form, label))
    form, parameters, knobs = forms.read(request.POST.dict(), base)
    status = 422
    if not form.complaints:
        try:
            run = services.simulation_request(
                user=request.user, parameters=parameters, scenario=knobs
            )
        except (Unprocessable, TooMany) as refusal:
            form.complaints[""] = [refusals.of(refusal)]
            status = refusal.http_status
        else:
            return redirect("simulation_page", simulation_id=run.public_id)
    context = _context(request, form, label)
    return render(request, "liquidity/simulation_new.html", context, status=status)


@page
@require_safe
def simulation_page(request: HttpRequest, simulation_id: str) -> HttpResponse:
    """Show a run: how far it is, why it failed, or what it brought."""
    user = request.user if isinstance(request.user, User) else None
    run = simulations.simulation_of(user, simulation_id)
    context = {
        "run": run,
        "is_open": run.state in OPEN,
        "is_mine": user is not None and run.requester_id == user.pk,
        "fitting": simulations.fitting(user, run),
        "paths_asked": int(run.scenario["paths"]),
    }
    context |= result_of(run) or {}
    return render(request, "liquidity/simulation_page.html", context)


@page
@login_required
@require_POST
def simulation_pin(request: HttpRequest, simulation_id: str) -> HttpResponse:
    """Pin a finished run to a market, for good."""
    assert isinstance(request.user, User)
    run = simulations.simulation_of(request.user, simulation_id)
    market = core_access.market(request.POST.get("market", ""))
    try:
        services.simulation_pin(user=request.user, run=run, market=market)
    except (Unprocessable, NotAllowed) as refusal:
        messages.error(request, refusals.of(refusal))
    else:
        messages.success(request, f"Pinned to {market.name}, for everybody to read.")
    return redirect("simulation_page", simulation_id=simulation_id)


def _source(user: User, source: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the parameters and the scenario to begin with, and whose they are.

    Raises:  NotFound for what is not there or somebody else's.
    """
    kind, _, name = source.partition(":")
    if not source:
        return {}, {}, ""
    if kind == "market":
        market = core_access.market(name)
        return market.config, {}, market.name
    if kind == "request":
        proposal = access.request_of(user, name)
        return proposal.parameters, {}, proposal.name
    if kind == "run":
        run = simulations.simulation_of(user, name)
        return run.config, run.scenario, f"the run {run.public_id}"
    raise NotFound(f"there is nothing to begin with at {source[:40]!r}")


def _context(request: HttpRequest, form: forms.Filled, label: str) -> dict[str, Any]:
    assert isinstance(request.user, User)
    asked = request.POST if request.method == "POST" else request.GET
    groups = [(group, forms.rows(group, form)) for group in forms.GROUPS]
    return {
        "source": asked.get("from", ""),
        "source_label": label,
        "markets": simulations.being_funded(),
        "proposals": _proposals(request.user),
        "market_rows": forms.rows(forms.MARKET, form),
        "market_group": forms.MARKET,
        "groups": [(group, rows) for group, rows in groups if not group.is_fine],
        "fine_groups": [
            (group, rows, any(row.complaints for row in rows))
            for group, rows in groups
            if group.is_fine
        ],
        "open_run": simulations.open_run_of(request.user),
        "problems": [
            {"field": name, "text": text}
            for name, texts in form.complaints.items()
            for text in texts
        ],
    }


def _proposals(user: User) -> list[MarketRequest]:
    """Return the user's proposals that still wait: what is approved is a market by now."""
    rows = requests_of(user, limit=PROPOSALS_MAX)
    return [row for row in rows if row.state == MarketRequest.State.PENDING]
