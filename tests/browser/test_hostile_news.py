"""Hostile documents in a real browser: nothing runs, nothing is fetched, nobody complains."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, Page, Route, expect

from exchange import clock
from oracle.models import Evidence
from oracle.services import cards
from tests.browser.people import NewContext, complaints, sign_in
from tests.factories import funded_user
from tests.oracle import corpus, world
from tests.oracle.corpus_seeds import VICTIM

REPORTS = """
window.reports = [];
document.addEventListener("securitypolicyviolation", event => {
  window.reports.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


def test_every_family_is_only_read(
    site: str, tmp_path: Path, settings: Any, new_context: NewContext
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    staff = funded_user(is_staff=True, is_superuser=True)
    context = new_context()
    sign_in(context, site, staff)
    abroad: list[str] = []

    def watch(route: Route) -> None:
        if route.request.url.startswith(f"{site}/"):
            route.continue_()
        else:
            abroad.append(route.request.url)
            route.abort()

    context.route("**/*", watch)
    context.add_init_script(REPORTS)
    page = context.new_page()
    wrong = complaints(page)

    def shut(dialog: Dialog) -> None:
        wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", shut)
    for number, family in enumerate(sorted(corpus.FAMILIES)):
        for place in _places(tmp_path, f"f{number}", family):
            wrong += _visited(page, site + place)
    assert (wrong, abroad) == ([], [])


def _places(folder: Path, name: str, family: str) -> list[str]:
    """Let a market read a family; return every page that shows something of it."""
    began = clock.now()
    world.archive(folder, name, *corpus.family_of(family, began))
    market = world.oracle_market(name, queries=[VICTIM], keywords=[VICTIM])
    run = world.run(market)
    # what claims to come from the future or from long ago is not even read
    assert run.inputs["stories"] or family == "fake date"
    cards.card_of_runs(market_id=market.pk, start=began, end=clock.now(), horizon_s=60)
    head = Evidence.objects.order_by("-pk").values_list("pk", flat=True).first()
    return [
        f"/markets/{market.slug}/oracle/",
        f"/oracle/runs/{run.public_id}/",
        f"/markets/{market.slug}/",
        f"/markets/{market.slug}/oracle/card/",
        f"/admin/oracle/evidence/{head}/change/",
    ]


def _visited(page: Page, address: str) -> list[str]:
    """Open a page; return what its content policy had to stop."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    expect(page.locator("main, #content").first).to_be_visible()
    stopped: list[str] = page.evaluate("window.reports")
    return [f"{address}: {one}" for one in stopped]
