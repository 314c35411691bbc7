"""What the tables have in common: figures with units, pages without counting, nothing to edit."""

import json
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import BinaryField, Field, JSONField, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from exchange import clock, figures
from exchange.engines.units import PICO, RATE

Column = Callable[[Any], Any]

ROWS_COUNTED = 5_000
ROWS_PER_PAGE = 50
EMPTY = "\N{EN DASH}"
SECONDS = {"settled_s", "bucket_s", "opened_s", "pause_since_s", "pause_until_s"}
# The scale in a column's name, its unit for people, and how a count is written.
UNITS: tuple[tuple[str, str, Callable[[int], str]], ...] = (
    ("_micro", "USDC", figures.usdc_exact),
    ("_nano", "shares", figures.shares_exact),
    ("_pico", "USDC per share", lambda pico: figures.trimmed(pico, PICO, 4, 12)),
    ("_e8", "of 1", lambda rate: figures.trimmed(rate, RATE, 2, 8)),
)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than is worth paging through: count(*) of a large table takes minutes.

    Older rows are reached by search and filters.
    """

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or the bound where there are more."""
        rows: Any = self.object_list
        return len(rows) if isinstance(rows, list) else rows.order_by()[:ROWS_COUNTED].count()


class Shown(admin.ModelAdmin):  # type: ignore[type-arg]  # it knows its type for checkers only
    """A table to look at. Every figure stands with its unit; nothing is added or deleted."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table once per value
    list_per_page = ROWS_PER_PAGE
    list_max_show_all = ROWS_PER_PAGE
    empty_value_display = EMPTY
    hidden: Sequence[str] = ()
    extra: Sequence[str] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: rows come from services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: history stays."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return every column of the table but the hidden ones, then what is computed."""
        names = [f.name for f in self.opts.concrete_fields if f.name not in self.hidden]
        model = cast("type[Model]", self.model)
        return [*(column(model, name) for name in names), *self.extra]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the same: there is nothing to write."""
        return self.get_fields(request, obj)


class ReadOnly(Shown):
    """A table nobody edits."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: what stands here was written by a rule, with its proof beside it."""
        return False


@cache
def column(model: type[Model], name: str) -> Any:
    """Return how a column is shown: figures with their unit, hashes in hex, JSON indented.

    Kept, because the forms of Django compare what is shown with what is read-only by identity.
    """
    field = model._meta.get_field(name)  # noqa: SLF001 (Django's own public door is so named)
    assert isinstance(field, Field)
    for suffix, unit, write in UNITS:
        if name.endswith(suffix):
            return _figure(field, suffix, unit, write)
    if name in SECONDS:
        # zero stands for never
        return _computed(field, str(field.verbose_name), lambda at: clock.at(at) if at else EMPTY)
    if isinstance(field, BinaryField):
        return _computed(field, str(field.verbose_name), lambda value: bytes(value).hex())
    if isinstance(field, JSONField):
        return _computed(field, str(field.verbose_name), indented)
    return name


def columns(model: type[Model], *names: str) -> tuple[Any, ...]:
    """Return how several columns are shown."""
    return tuple(column(model, name) for name in names)


def _figure(field: Any, suffix: str, unit: str, write: Callable[[int], str]) -> Column:
    title = str(field.verbose_name).removesuffix(suffix.replace("_", " "))
    return _computed(field, f"{title}, {unit}", lambda value: write(int(value)))


def _computed(field: Any, title: str, write: Callable[[Any], Any]) -> Column:
    name = field.name

    @admin.display(description=title, ordering=name, empty_value=EMPTY)
    def shown(row: Any) -> Any:
        value = getattr(row, name)
        return None if value is None else write(value)

    shown.__name__ = name
    return shown


def indented(value: Any) -> SafeString:
    """Return a JSON value as indented text."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))


def link_to(row: Model | None, text: str = "") -> str:
    """Return a link to a row's page."""
    if row is None:
        return EMPTY
    address = reverse(_route(type(row), "change"), args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text or str(row))


def link_list(model: type[Model], text: str, **filters: Any) -> str:
    """Return a link to a list with filters set."""
    address = reverse(_route(model, "changelist"))
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(filters), text)


def _route(model: type[Model], page: str) -> str:
    options = model._meta  # noqa: SLF001 (as above)
    return f"admin:{options.app_label}_{options.model_name}_{page}"
