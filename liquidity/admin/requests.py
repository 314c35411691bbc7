"""Proposals of markets: what the linter finds, what they are near to, and the decision."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from exchange import figures
from exchange.admin.base import EMPTY, columns, link_to
from exchange.admin.verbs import Verb, Verbs
from liquidity.core.specification import lint
from liquidity.models import MarketRequest
from liquidity.selectors import subjects
from liquidity.services import decisions


@admin.register(MarketRequest)
class MarketRequestAdmin(Verbs):
    """The proposals, those that wait first. Nobody edits one; staff approve or reject it."""

    change_form_template = "admin/liquidity/marketrequest/change_form.html"
    list_display = (
        "name",
        "state",
        "requester",
        *columns(MarketRequest, "stake_micro"),
        "stake",
        "near",
        "created_at",
        "decided_by",
    )
    list_filter = ("state", "topic")
    list_select_related = ("requester", "hold", "decided_by", "market")
    search_fields = ("name", "=slug", "=ticker", "=requester__email")
    ordering = ("-id",)
    hidden = ("digest", "key")
    extra = ("stake", "findings", "near", "opened")
    verbs = (
        Verb(
            name="request_approve",
            label="Approve",
            explained=(
                "The market opens for funding, and the stake becomes its first contribution."
            ),
            act=lambda actor, row, reason: decisions.request_approve(
                actor=actor, request=row, reason=reason
            ),
        ),
        Verb(
            name="request_reject",
            label="Reject",
            explained="The stake goes back to the cent. The requester reads the reason.",
            act=lambda actor, row, reason: decisions.request_reject(
                actor=actor, request=row, reason=reason
            ),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the decision is all that may be done."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a proposal, with the verbs for who may decide."""
        row = MarketRequest.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        waits = row is not None and row.state == MarketRequest.State.PENDING
        offered = self.verbs if waits and self.has_act_permission(request) else ()
        context = {**(extra_context or {}), "offered": offered}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="where the stake is")
    def stake(self, row: MarketRequest) -> str:
        """Return whether the stake is set aside, contributed or returned."""
        if row.hold.state == "open":
            return "set aside"
        return "contributed or returned" if row.state == "approved" else "returned"

    @admin.display(description="the linter says")
    def findings(self, row: MarketRequest) -> str:
        """Return every sentence of the linter about the words as they stand."""
        found = lint(subjects.draft_of(row))
        if not found:
            return "nothing"
        lines = ((finding.field, finding.sentence) for finding in found)
        return format_html("<ul>{}</ul>", format_html_join("", "<li><b>{}</b>: {}</li>", lines))

    @admin.display(description="near to")
    def near(self, row: MarketRequest) -> str:
        """Return the markets and requests that are near, and how near."""
        found = subjects.near(subjects.draft_of(row), apart_from=row)
        if not found:
            return EMPTY
        return ", ".join(f"{m.label} ({figures.percent(m.similarity_e8, 0)})" for m in found)

    @admin.display(description="market")
    def opened(self, row: MarketRequest) -> str:
        """Return a link to the market that was opened."""
        return link_to(row.market)
