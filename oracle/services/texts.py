"""Make foreign text safe to store: one form of each character, no markup, no hidden characters."""

import unicodedata
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

RAW_MAX = 6_000
TITLE_MAX = 300
TEXT_MAX = 2_000
URL_MAX = 1_000
NAME_MAX = 120
UNWRAPS_MAX = 3
MARKS_MAX = 2

HIDDEN = frozenset({"script", "style", "template", "noscript", "head", "title", "textarea", "svg"})
# Controls, invisible formatting, halves of pairs, private use and the unassigned.
DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
TRACKING = ("utm_", "at_", "mc_", "ns_", "hsa_")
TRACKING_NAMES = frozenset(
    {"fbclid", "gclid", "dclid", "msclkid", "igshid", "cmpid", "ref", "ref_src"}
)
# Second labels below which countries register names.
REGISTRIES = frozenset({"co", "com", "ac", "gov", "org", "net", "edu", "or", "ne", "go", "gob"})
COUNTRY_LETTERS = 2
PORTS = {"http": "80", "https": "443"}


def plain(text: str, limit: int) -> str:
    """Return text in NFKC without markup or hidden characters, at most `limit` long."""
    text = text[:RAW_MAX]
    for _ in range(UNWRAPS_MAX):
        # Full-width brackets become real ones here, so that they are seen as markup.
        bare = _without_markup(unicodedata.normalize("NFKC", text))
        if bare == text:
            break
        text = bare
    text = unicodedata.normalize("NFKC", text)
    if not (text.isascii() and text.isprintable()):
        text = _calm("".join(_kept(character) for character in text))
    return _short(" ".join(text.replace("<", " ").replace(">", " ").split()), limit)


def canonical_url(url: str) -> str:
    """Return one spelling of an address, or nothing for what is not a plain http(s) link.

    Tracking parameters and the fragment go; what remains is ordered.
    """
    try:
        parts = urlsplit(url.strip()[:RAW_MAX])
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme.lower() not in PORTS or not host or parts.username is not None:
        return ""
    if set(host) - set("abcdefghijklmnopqrstuvwxyz0123456789.-[]:_"):
        return ""
    scheme = parts.scheme.lower()
    host = f"[{host}]" if ":" in host else host
    netloc = host if port is None or str(port) == PORTS[scheme] else f"{host}:{port}"
    query = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not name.startswith(TRACKING) and name not in TRACKING_NAMES
    )
    try:
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        address = urlunsplit((scheme, netloc, path, urlencode(query), ""))
    except UnicodeError:  # half of a surrogate pair
        return ""
    return address if len(address) <= URL_MAX else ""


def site(url: str) -> str:
    """Return the site a canonical address belongs to, as readers know it."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def publisher_key(url: str, publisher: str) -> str:
    """Return whose voice an item is: its registrable domain, else its publisher's name.

    A domain's owner makes as many names below it as he likes. Without a list of all registries the
    last two labels count, or three where the second is one under which countries register; what
    this joins wrongly is one voice too few, never one too many.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if not host:
        return publisher.casefold()
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return host  # a number of a machine
    is_country = len(labels[-1]) == COUNTRY_LETTERS and REGISTRIES.issuperset(labels[-2:-1])
    return ".".join(labels[-3:] if is_country else labels[-2:])


class _Stripper(HTMLParser):
    """Collects what a reader would see, and a space where a tag stood."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag in HIDDEN
        self.parts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.depth = max(0, self.depth - (tag in HIDDEN))
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.parts.append(data)


def _without_markup(text: str) -> str:
    if "<" not in text and "&" not in text:
        return text
    try:
        return _seen(text)
    except AssertionError:  # the library gives up on a marked section without a name
        return _seen(text.replace("<!", "< "))


def _seen(text: str) -> str:
    stripper = _Stripper()
    stripper.feed(text)
    stripper.close()
    return "".join(stripper.parts)


def _kept(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in DROPPED else character


def _calm(text: str) -> str:
    """Drop the marks that are piled on a letter beyond the second."""
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MARKS_MAX:
            kept.append(character)
    return "".join(kept)


def _short(text: str, limit: int) -> str:
    """Cut at a word where one ends nearby."""
    if len(text) <= limit:
        return text
    cut = text[:limit]
    head, space, _ = cut.rpartition(" ")
    return head if space and len(head) > limit * 3 // 4 else cut
