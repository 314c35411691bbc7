"""Tags of the page around the content: icons, instants, changes, the account's corner."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from exchange import clock, figures
from exchange.engines.units import RATE
from exchange.selectors import portfolio

register = template.Library()

ARROWS = {1: "▲", -1: "▼", 0: "■"}
TONES = {1: "up", -1: "down", 0: "muted"}
THEMES = ("system", "light", "dark")
PALETTES = ("green-red", "blue-orange")
# What a browser may remember, the default first.
CHOICES = {
    "theme": THEMES,
    "palette": PALETTES,
    "keys": ("on", "off"),
    "announce": ("off", "on"),
}


@lru_cache(maxsize=256)
def _drawing(name: str) -> str:
    """Return the inside of one Lucide icon, or nothing when the package is not installed."""
    path = f"vendor/lucide/icons/{name}.svg"
    found = finders.find(path)
    if not found and staticfiles_storage.exists(path):
        found = staticfiles_storage.path(path)
    if not found:
        return ""
    text = Path(str(found)).read_text(encoding="utf-8")
    return text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")].strip()


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """Draw an icon in the colour of the text around it; the word beside it carries the meaning."""
    return format_html(
        '<svg class="icon icon-{}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        "{}</svg>",
        size,
        mark_safe(_drawing(name)),  # noqa: S308 (our own locked package, not a visitor's text)
    )


@register.simple_tag
def moment(at: datetime | None, form: str = "short") -> SafeString | str:
    """Write an instant in UTC; scripts turn the text into local time and keep UTC on hover."""
    if at is None:
        return "—"
    text = at.strftime(
        {"clock": "%H:%M:%S", "short": "%d %b %H:%M", "full": "%d %b %Y %H:%M:%S"}[form]
    )
    stamp, full = at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%d %b %Y %H:%M:%S UTC")
    return format_html(
        '<time datetime="{}" title="{}" data-time="{}">{} UTC</time>', stamp, full, form, text
    )


@register.simple_tag
def moment_s(at_s: int, form: str = "short") -> SafeString | str:
    """Write an instant given in seconds, as `moment` does."""
    return moment(clock.at(at_s), form) if at_s else "—"


@register.inclusion_tag("components/_change.html")
def change(rate_e8: int | None, **live: object) -> dict[str, object]:
    """Write a change with arrow, sign and word, so that colour only repeats it."""
    direction = 0 if rate_e8 is None else (rate_e8 > 0) - (rate_e8 < 0)
    return {
        "rate": rate_e8,
        "text": "" if rate_e8 is None else figures.percent_signed(rate_e8),
        "arrow": ARROWS[direction],
        "word": {1: "up", -1: "down", 0: "unchanged"}[direction],
        "tone": TONES[direction],
        **live,
    }


@register.inclusion_tag("components/_gain.html")
def gain(micro: int | str | None) -> dict[str, str]:
    """Write a gain or a loss in USDC with arrow, sign and word."""
    count = int(micro or 0)
    direction = (count > 0) - (count < 0)
    return {
        "text": figures.usdc_signed(count),
        "arrow": ARROWS[direction],
        "word": {1: "gain", -1: "loss", 0: "even"}[direction],
        "tone": TONES[direction],
    }


@register.simple_tag
def part(micro: int, rate_e8: int) -> str:
    """Write a fraction of an amount."""
    return figures.usdc(micro * rate_e8 // RATE)


@register.simple_tag(takes_context=True)
def cash(context: template.Context) -> portfolio.Money | None:
    """Return the signed-in user's cash, read once per page."""
    request: HttpRequest | None = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return None
    if not hasattr(request, "cash_read"):
        request.cash_read = portfolio.money(user)  # type: ignore[attr-defined]
    money: portfolio.Money = request.cash_read  # type: ignore[attr-defined]
    return money


@register.simple_tag(takes_context=True)
def preference(context: template.Context, name: str) -> str:
    """Return a display preference from its cookie; the first choice is what holds without one."""
    allowed = CHOICES[name]
    request: HttpRequest | None = context.get("request")
    chosen = request.COOKIES.get(name, "") if request else ""
    return chosen if chosen in allowed else allowed[0]


@register.simple_tag
def is_demo() -> bool:
    """Say whether this site trades with play money."""
    return bool(settings.DEMO)


@register.simple_tag(takes_context=True)
def current(context: template.Context, *prefixes: str) -> SafeString | str:
    """Mark the link of the section the page belongs to."""
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    hit = any(path == p or (p != "/" and path.startswith(p)) for p in prefixes)
    return mark_safe('aria-current="page"') if hit else ""


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: Any) -> str:
    """Return the page's query string with some parameters changed, for links that keep the rest."""
    request: HttpRequest | None = context.get("request")
    query = request.GET.copy() if request else None
    if query is None:
        return ""
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"
