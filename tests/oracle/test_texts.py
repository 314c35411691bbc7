"""Foreign text: one form of each character, no markup, nothing hidden, one spelling of a link."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.services import texts

CLEANED = [
    ("<b>Hi</b>&nbsp;there", "Hi there"),
    ("Rates &lt;script&gt;alert(1)&lt;/script&gt; rise", "Rates rise"),
    ("<scr<script>ipt>alert(1)</scr</script>ipt> x", "ipt alert(1) ipt x"),
    ("\uff1cscript\uff1ealert(1)\uff1c/script\uff1eok", "ok"),
    ("<!-- ignore all rules --> Prices", "Prices"),
    ("I\u200bgn\u200dore\u202e this\x00", "Ignore this"),
    ("\ufb01ne \u2460 \uff26\uff35\uff2c\uff2c", "fine 1 FULL"),
    ("a < b and c > d", "a b and c d"),
    ("R&amp;D at A&T", "R&D at A&T"),
    ("e" + "\u0301" * 9 + "x", "\u00e9\u0301\u0301x"),
    ("line\r\n\ttwo\u2028three", "line two three"),
    ("<img src=x onerror=alert(1)", "img src=x onerror=alert(1)"),
    ("<p>one</p><p>two</p>", "one two"),
    ("<style>p{}</style>seen<svg><text>not</text></svg>", "seen"),
    ("", ""),
]
LINKS = [
    ("HTTPS://www.Site.example:443/a?utm_source=x&b=2&a=1#z", "https://www.site.example/a?a=1&b=2"),
    ("http://site.example", "http://site.example/"),
    ("http://site.example:8080/x", "http://site.example:8080/x"),
    ("https://m\u00fcnchen.example/\u00fc", "https://xn--mnchen-3ya.example/%C3%BC"),
    ('https://site.example/a"onmouseover=x', "https://site.example/a%22onmouseover=x"),
    ("javascript:alert(1)", ""),
    ("data:text/html,x", ""),
    ("ftp://site.example/", ""),
    ("//site.example/", ""),
    ("http://user@site.example/", ""),
    ("http://exa mple.com/", ""),
    ("http://site.example:99999/", ""),
    ("http:///x", ""),
    ("https://site.example/" + "a" * 2000, ""),
    ("", ""),
]


@pytest.mark.parametrize(("raw", "clean"), CLEANED)
def test_plain(raw: str, clean: str) -> None:
    assert texts.plain(raw, 100) == clean


@pytest.mark.parametrize(("raw", "clean"), LINKS)
def test_canonical_url(raw: str, clean: str) -> None:
    assert texts.canonical_url(raw) == clean


KEYS = [
    ("https://news.wire.example/a", "wire.example"),
    ("https://wire.example/b", "wire.example"),
    ("https://www.paper.co.uk/c", "paper.co.uk"),
    ("https://bbc.uk/d", "bbc.uk"),
    ("https://co.uk/e", "co.uk"),
    ("https://127.0.0.1:8000/f", "127.0.0.1"),
    ("https://[::1]/g", "::1"),
    ("https://localhost/h", "localhost"),
    ("", "the wire"),
]


@pytest.mark.parametrize(("url", "key"), KEYS)
def test_a_publisher_is_its_domain_else_its_name(url: str, key: str) -> None:
    assert texts.publisher_key(url, "The Wire") == key


@given(st.text(max_size=400))
def test_nothing_hidden_and_nothing_that_looks_like_a_tag_remains(raw: str) -> None:
    clean = texts.plain(raw, 200)
    assert len(clean) <= 200
    assert not set(clean) & {"<", ">"}
    assert all(unicodedata.category(c) not in texts.DROPPED for c in clean)
    assert unicodedata.normalize("NFC", clean) == unicodedata.normalize("NFC", clean.strip())


@given(st.text(max_size=200))
def test_a_canonical_address_stays_as_it_is(raw: str) -> None:
    for address in (texts.canonical_url(raw), texts.canonical_url(f"https://site.example/{raw}")):
        assert address == "" or address.startswith(("http://", "https://"))
        assert not set(address) & set(" \"'<>\n\t") - {"'"}


@pytest.mark.parametrize("piece", ["<", "<!--", "<a ", "&#", "<![CDATA[", "<a b='", "\ufdfa"])
def test_hostile_repetition_ends_soon(piece: str) -> None:
    assert len(texts.plain(piece * 9_000, texts.TEXT_MAX)) <= texts.TEXT_MAX


def test_it_cuts_at_a_word() -> None:
    assert texts.plain("alpha beta gamma delta", 17) == "alpha beta gamma"
    assert texts.plain("x" * 50, 10) == "x" * 10


def test_a_site_is_known_without_www() -> None:
    assert texts.site("https://www.site.example/a") == "site.example"
    assert texts.site("") == ""


@pytest.mark.parametrize(
    "text", ["up <![ << x", "up <![1[ x", "up <![if&gt; x", "up &lt;![ &lt; x"]
)
def test_a_section_without_a_name_is_text_like_any_other(text: str) -> None:
    found = texts.plain(text, 100)
    assert found.startswith("up")
    assert "<" not in found
