"""A host's pages: set a session up, try it, let people in, lead it to its end, begin again."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exchange import qr, refusals
from exchange.engines import outcome
from exchange.engines.units import MICRO
from exchange.errors import Malformed, NotFound, Unprocessable
from exchange.models import Market, Session, User
from exchange.selectors.outcome import access, rehearsal, sessions
from exchange.selectors.outcome.rounds import next_round, pending_choice
from exchange.selectors.outcome.sessions import SessionView
from exchange.services.sessions import drafts, host, lobby
from exchange.views import session_context, session_pictures, session_presets, session_setup
from exchange.views import session_shapes as shapes
from exchange.views.edge import page
from exchange.views.session_knobs import GROUPS
from exchange.views.session_seat import Seat, view_of

HTTP_REFUSED = 422
LOG_MAX = 100
LEAST_ACTIVE = 2
Context = dict[str, Any]


@page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def session_new(request: HttpRequest) -> HttpResponse:
    """Set up a new session, from a preset or from nothing; POST tries it or keeps it."""
    actor = _user(request)
    drafts.require_right(actor)
    if request.method == "POST":
        return _set_up(request, actor, None)
    preset = session_presets.PRESETS.get(request.GET.get("preset", ""))
    draft = preset.draft if preset else session_presets.QUICK
    form = session_setup.filled(draft)
    chosen = request.GET.get("preset", "quick")
    return _form_page(request, None, form, drafts.parsed(draft), chosen=chosen)


@page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def session_edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change a draft."""
    actor = _user(request)
    session = access.hosted(code, actor)
    if session.market.status != Market.Status.DRAFT:
        return redirect("session_host", code=code)
    if request.method == "POST":
        return _set_up(request, actor, session)
    draft = drafts.draft_of(session)
    return _form_page(request, session, session_setup.filled(draft), drafts.parsed(draft))


@page
@login_required
@require_safe
def session_host(request: HttpRequest, code: str) -> HttpResponse:
    """Show the host's console: the way in, who is there, what can be done now, the log."""
    session = access.hosted(code, _user(request))
    return render(request, "exchange/session_host.html", _console(request, session))


@page
@login_required
@require_POST
def session_act(request: HttpRequest, code: str, verb: str) -> HttpResponse:
    """Do what the host asks; what is refused is said on the console."""
    actor = _user(request)
    session = access.hosted(code, actor)
    act = VERBS.get(verb)
    if act is None:
        raise NotFound(f"there is no step {verb[:20]!r}")
    try:
        target = act(request, actor, session)
    except (Unprocessable, Malformed) as refusal:
        context = _console(request, access.hosted(code, actor))
        field = FIELDS.get(verb, "")
        context["problems"] = [{"field": field, "text": refusals.of(refusal)}]
        context["wrong"] = {field: refusals.of(refusal)}
        context["named"] = request.POST.getlist(field)
        return render(request, "exchange/session_host.html", context, status=HTTP_REFUSED)
    messages.success(request, SAID[verb])
    return redirect(target or reverse("session_host", kwargs={"code": code}))


def _set_up(request: HttpRequest, actor: User, session: Session | None) -> HttpResponse:
    typed, wrong = session_pictures.taken(request, actor)
    form, draft, config = session_setup.read(typed)
    for name, words in wrong.items():
        form.complain(name, words)
    config = None if wrong else config
    if config is None or "keep" not in request.POST:
        status = 200 if config else HTTP_REFUSED
        return _form_page(request, session, form, config, tried=bool(config), status=status)
    try:
        if session is None:
            session = drafts.session_create(host=actor, draft=draft)
        else:
            drafts.session_configure(host=actor, session=session, draft=draft)
    except (Malformed, Unprocessable) as refusal:
        session_setup.explain(form, refusal)
        return _form_page(request, session, form, None, status=HTTP_REFUSED)
    messages.success(request, "The draft is kept. Nobody sees it until you open the lobby.")
    return redirect("session_host", code=session.code)


def _form_page(
    request: HttpRequest,
    session: Session | None,
    form: session_setup.Filled,
    config: outcome.Config | None,
    *,
    tried: bool = False,
    chosen: str = "",
    status: int = 200,
) -> HttpResponse:
    groups = [
        (group, session_setup.field_rows(group, form), _is_wrong(group, form)) for group in GROUPS
    ]
    n_outcomes = config.n_outcomes if config else 3
    fund = config.z_micro if config else session_presets.FUND_DEFAULT_MICRO
    lines = session_setup.line_rows
    context: Context = {
        "session": session,
        "form": form,
        "typed": form.typed,
        "wrong": form.complaints,
        "problems": _problems(form),
        "groups": groups,
        "outcome_rows": lines(form, "outcome", 10, session_setup.LABEL_PARTS),
        "round_rows": lines(form, "round", 8, session_setup.ROUND_PARTS),
        "outcomes_open": _open_rows(form, "outcome", "name", 4),
        "rounds_open": _open_rows(form, "round", "at", 2),
        "colours": drafts.COLOURS,
        "presets": session_presets.PRESETS,
        "chosen": chosen,
        "modes": session_presets.mode_cards(n_outcomes, max(fund, MICRO)),
        "config": config,
        "basket": outcome.worst_basket(config) if config else None,
        "basket_e8": _basket_e8(config) if config else None,
        "tried": _tried(form, config) if tried and config else None,
    }
    return render(request, "exchange/session_form.html", context, status=status)


def _open_rows(form: session_setup.Filled, kind: str, part: str, least: int) -> int:
    """Return how many rows are in sight: as many as are filled in or wrong, and a few more."""
    names = [n for n in form.typed if n.startswith(f"{kind}_") and n.endswith(f"_{part}")]
    used = [
        int(name.split("_")[1])
        for name in names
        if form.typed[name] or any(c.startswith(name.removesuffix(part)) for c in form.complaints)
    ]
    return max(least, max(used, default=-1) + 1)


def _basket_e8(config: outcome.Config) -> int:
    return outcome.worst_basket(config).loss_micro * 10**8 // config.z_micro


def _is_wrong(group: Any, form: session_setup.Filled) -> bool:
    return any(knob.name in form.complaints for knob in group.knobs)


def _problems(form: session_setup.Filled) -> list[dict[str, str]]:
    """Return what is wrong; a picture is chosen anew in the field of its file."""
    return [
        {"field": name.replace("_picture", "_file"), "text": words}
        for name, found in form.complaints.items()
        for words in found
    ]


def _tried(form: session_setup.Filled, config: outcome.Config) -> Context:
    """Play the session by chance from a fixed seed, and draw what came of it."""
    found = rehearsal.rehearse(config)
    names = [form.typed[f"outcome_{n}_name"] for n in range(10)]
    tones = [form.typed[f"outcome_{n}_colour"] for n in range(10)]
    kept = [(n, t) for n, t in zip(names, tones, strict=True) if n]
    prices = []
    for n, (name, tone) in enumerate(kept):
        points = [(f.t_ms, p) for f in found.frames if (p := f.yes_pico[n]) is not None]
        prices.append((tone, name, points))
    end = config.total_duration_ms
    maker = [
        ("risk", "Risk", [(f.t_ms, f.risk_micro) for f in found.frames]),
        ("profit", "Profit", [(f.t_ms, f.profit_micro) for f in found.frames]),
    ]
    volume = [("volume", "Volume", [(f.t_ms, f.volume_micro) for f in found.frames])]
    return {
        "orders": found.orders,
        "refused": found.refused,
        "people": rehearsal.TRADERS,
        "prices": shapes.price_plot(prices, end),
        "maker": shapes.money_plot(maker, end),
        "volume": shapes.money_plot(volume, end),
        "last": found.frames[-1],
        "names": kept,
    }


def _console(request: HttpRequest, session: Session) -> Context:
    session = sessions.fresh(session)
    seat = Seat(session, _user(request), None)
    view = view_of(seat)
    path = reverse("session_page", kwargs={"code": session.code})
    join = request.build_absolute_uri(path)
    status = session.market.status
    return {
        **session_context.frame_context(seat, view),
        "join_link": join,
        "qr": _qr(join),
        "people": sessions.participants(session),
        "log": sessions.events(session, limit=LOG_MAX)[:LOG_MAX],
        "basket": view.basket,
        "is_draft": status == Market.Status.DRAFT,
        "is_lobby": status == Market.Status.LOBBY,
        "is_running": status == Market.Status.RUNNING,
        "is_ended": status == Market.Status.ENDED,
        "is_over": status in {Market.Status.RESOLVED, Market.Status.CLOSED},
        "choice": _choice(view),
        "left": [row for row in view.outcomes if row.is_active],
        "key": uuid4().hex,
    }


def _choice(view: SessionView) -> str:
    """Return whether outcomes may be named now: `due` in a round, `free` where none is to come."""
    config, state = view.config, view.state
    if view.market.status != Market.Status.RUNNING or not config.mr_enabled:
        return ""
    if pending_choice(config, state, view.now_ms):
        return "due"
    may_go = len(state.active) > LEAST_ACTIVE
    return "free" if may_go and next_round(config, state) is None else ""


def _qr(link: str) -> SafeString:
    """Return the link as a QR code in SVG."""
    return mark_safe(qr.drawn(link))  # noqa: S308 (a drawing by the encoder, no text of anybody's)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _key(request: HttpRequest) -> str:
    return request.POST.get("key", "")[:40] or uuid4().hex


def _open(_: HttpRequest, actor: User, session: Session) -> None:
    lobby.lobby_open(host=actor, session=session)


def _close(_: HttpRequest, actor: User, session: Session) -> None:
    lobby.lobby_close(host=actor, session=session)


def _start(_: HttpRequest, actor: User, session: Session) -> None:
    lobby.session_start(host=actor, session=session)


def _reduce(request: HttpRequest, actor: User, session: Session) -> None:
    reason = request.POST.get("reason", "")[:200]
    host.reduce_only(host=actor, session=session, reason=reason, key=_key(request))


def _resume(request: HttpRequest, actor: User, session: Session) -> None:
    host.resume(host=actor, session=session, key=_key(request))


def _eliminate(request: HttpRequest, actor: User, session: Session) -> None:
    gone = [int(n) for n in request.POST.getlist("outcomes") if n.isascii() and n.isdigit()]
    host.eliminate(host=actor, session=session, outcomes=gone, key=_key(request))


def _end(_: HttpRequest, actor: User, session: Session) -> None:
    host.end(host=actor, session=session)


def _resolve(request: HttpRequest, actor: User, session: Session) -> None:
    given = request.POST.get("winner", "")
    if not (given.isascii() and given.isdigit()):
        raise Malformed("Choose the outcome that has won.")
    host.resolve(host=actor, session=session, winner=int(given[:2]))


def _reset(_: HttpRequest, actor: User, session: Session) -> str:
    made = host.reset(host=actor, session=session)
    return reverse("session_host", kwargs={"code": made.code})


def _clone(_: HttpRequest, actor: User, session: Session) -> str:
    made = drafts.session_clone(host=actor, session=session)
    return reverse("session_edit", kwargs={"code": made.code})


def _delete(_: HttpRequest, actor: User, session: Session) -> str:
    drafts.session_delete(host=actor, session=session)
    return reverse("session_list")


VERBS: dict[str, Callable[[HttpRequest, User, Session], str | None]] = {
    "open": _open,
    "close": _close,
    "start": _start,
    "reduce": _reduce,
    "resume": _resume,
    "eliminate": _eliminate,
    "end": _end,
    "resolve": _resolve,
    "reset": _reset,
    "clone": _clone,
    "delete": _delete,
}
# What a step asks for, where a refusal is said and what was given is kept.
FIELDS = {"reduce": "reason", "eliminate": "outcomes", "resolve": "winner"}
SAID = {
    "open": "The lobby is open: whoever has the link may join.",
    "close": "The lobby is closed; the session will not start.",
    "start": "The session has started.",
    "reduce": "From the next batch on people can only sell and cancel.",
    "resume": "From the next batch on people can buy again.",
    "eliminate": "The next batch takes the outcomes out.",
    "end": "Trading ends with the next batch. Name the winner then.",
    "resolve": "The next batch pays everybody.",
    "reset": "Here is the lobby of the new session.",
    "clone": "A new draft with the same set-up.",
    "delete": "The draft is gone.",
}
