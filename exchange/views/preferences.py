"""How the site looks and sounds to this browser: theme, colours of gain and loss, shortcuts."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from exchange.templatetags.chrome import CHOICES
from exchange.views.edge import next_address, page

KEPT = timedelta(days=365)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show the choices; a POST keeps those it names in cookies of this browser."""
    if request.method != "POST":
        return render(request, "exchange/preferences_page.html")
    response = HttpResponseRedirect(next_address(request, "/preferences/"))
    for name, allowed in CHOICES.items():
        chosen = request.POST.get(name)
        if chosen in allowed:
            response.set_cookie(
                name,
                chosen,
                max_age=KEPT,
                samesite="Lax",
                secure=request.is_secure(),
                httponly=False,
            )
    return response
