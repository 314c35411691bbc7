"""What a page must look like: nothing that axe names in either theme, nothing that overhangs."""

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
JUDGE = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]});
  return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120))}`);
}"""
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What is drawn to a size is drawn anew in the frame after it changed.
DRAWN = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
LOOKS: tuple[tuple[int, Literal["light", "dark"] | None], ...] = (
    (1280, "light"),
    (800, None),
    (390, "dark"),
    (320, None),
)


def faults_of(page: Page, address: str) -> dict[str, Any]:
    """Open a page once and look at it in every width; return what is wrong: {} if it is well.

    The page's context must have AXE as an init script. Animations are off: axe would read colours
    on their way from one theme to the other.
    """
    page.goto(address)
    page.wait_for_load_state("networkidle")
    found: dict[str, Any] = {}
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        if theme:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate(DRAWN)
        found[f"overhang at {width}"] = max(0, page.evaluate(OVERHANG))
        if theme:
            found[f"axe in {theme}"] = page.evaluate(JUDGE)
    return {what: fault for what, fault in found.items() if fault}
