"""Reads pages as a browser without scripts would: forms with their fields, text without markup."""

import html
import re
from html.parser import HTMLParser
from typing import Protocol


class Answer(Protocol):
    """What a client of the tests returns, as far as it is read here."""

    content: bytes


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
            self.inside = True
        elif tag == "input" and self.inside and given.get("name"):
            unticked = given.get("type") in {"radio", "checkbox"} and "checked" not in given
            if not unticked:
                self.forms[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False


def body(response: Answer) -> str:
    """Return the page's source."""
    return response.content.decode()


def text(response: Answer) -> str:
    """Return what the page says, in one line, with plain spaces."""
    source = re.sub(r"<(script|style|template|svg).*?</\1>", " ", body(response), flags=re.DOTALL)
    words = html.unescape(re.sub(r"<[^>]+>", " ", source))
    return re.sub(r"\s+", " ", words)


def form(response: Answer, action: str) -> dict[str, str]:
    """Return the fields of the first form that is sent to `action`, as they would be sent."""
    reader = _Forms()
    reader.feed(body(response))
    found = [fields for target, fields in reader.forms if target.partition("#")[0] == action]
    assert found, f"no form for {action}"
    return {name: value for name, value in found[0].items() if name != "csrfmiddlewaretoken"}
