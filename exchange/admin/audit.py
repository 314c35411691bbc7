"""The examinations of the books, and the button that asks for one now."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from exchange.admin.base import ReadOnly, columns
from exchange.admin.verbs import TEMPLATE, ReasonForm
from exchange.models import AccountMark, AuditRun, MarketMark, User
from exchange.services import staff

TITLE = "Run the audit now"
EXPLAINED = (
    "Every balance, chain, position and supply is recomputed from the first entry on, and every"
    " market's log is settled again. It changes nothing, and takes a while on large books."
)


@admin.register(AuditRun)
class AuditRunAdmin(ReadOnly):
    """Each run with its findings."""

    list_display = ("id", "started_at", "finished_at", "full", "ok", "found")
    list_filter = ("ok", "full")
    change_list_template = "admin/exchange/auditrun/change_list.html"

    @admin.display(description="findings")
    def found(self, run: AuditRun) -> int:
        """Return how many findings there were."""
        return int(run.figures.get("findings", len(run.findings)))

    def get_urls(self) -> list[URLPattern]:
        """Return the table's addresses with the button's before them."""
        ask = self.admin_site.admin_view(self.run_now)
        return [path("run/", ask, name="exchange_auditrun_run"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the button for who may press it."""
        extra = {**(extra_context or {}), "may_run": self._may_run(request)}
        return super().changelist_view(request, extra)

    def run_now(self, request: HttpRequest) -> HttpResponse:
        """Ask for the reason, then run the audit."""
        if not self._may_run(request):
            return HttpResponse("not allowed", status=403, content_type="text/plain")
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            run = staff.audit_run(actor=cast("User", request.user), reason=reason)
            level = messages.SUCCESS if run.ok else messages.ERROR
            self.message_user(request, str(run), level)
            return redirect("admin:exchange_auditrun_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": TITLE,
            "verb": {"name": "", "label": TITLE, "explained": EXPLAINED},
            "form": form,
            "opts": self.opts,
        }
        return render(request, TEMPLATE, context)

    def _may_run(self, request: HttpRequest) -> bool:
        return request.user.has_perm("exchange.add_auditrun")


@admin.register(AccountMark)
class AccountMarkAdmin(ReadOnly):
    """How far each account's chain was found whole."""

    list_display = ("account", *columns(AccountMark, "balance_micro"), "version")
    list_select_related = ("account",)
    ordering = ("-account_id",)
    sortable_by = ()


@admin.register(MarketMark)
class MarketMarkAdmin(ReadOnly):
    """How far each market's log was found without a gap."""

    list_display = ("market", "command_seq", "batch_seq")
    list_select_related = ("market",)
    ordering = ("-market_id",)
    sortable_by = ()
