"""The public page of reserves, and one's own leaf in the newest proof."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chain.models import ReserveLeaf, ReserveProof
from chain.selectors import access
from chain.services import reserves
from exchange.errors import NotFound
from exchange.models import User
from exchange.views.edge import page

SHOWN = 30


@page
@require_safe
def reserves_page(request: HttpRequest) -> HttpResponse:
    """Show what is owed and held by the newest proof, and those before."""
    proofs = list(ReserveProof.objects.all()[:SHOWN])
    newest = proofs[0] if proofs else None
    context = {
        "proof": newest,
        "earlier": proofs[1:],
        "leaf": _leaf(request, newest),
        "covered": newest is not None and not newest.shortfall_micro,
    }
    return render(request, "chain/reserves_page.html", context)


@never_cache
@page
@login_required
@require_safe
def reserves_leaf(request: HttpRequest) -> HttpResponse:
    """Return one's own leaf with its path, for the check in the browser or by the script."""
    assert isinstance(request.user, User)
    answer = JsonResponse(reserves.path_of(access.leaf_of(request.user)))
    answer["Content-Disposition"] = 'attachment; filename="megatron-leaf.json"'
    return answer


def _leaf(request: HttpRequest, newest: ReserveProof | None) -> ReserveLeaf | None:
    if newest is None or not isinstance(request.user, User):
        return None
    try:
        return access.leaf_of(request.user)
    except NotFound:
        return None
