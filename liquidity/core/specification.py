"""Everything that is wrong with the words of a proposed market, said in sentences."""

from collections.abc import Iterator
from dataclasses import dataclass

from liquidity.core.words import IDLE, stems, words

KINDS = ("delta", "level")
RESERVED = frozenset({"requests", "new", "pools", "simulations", "admin", "api"})
SLUG_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
TICKER_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
QUERIES_MAX, QUERY_MAX = 10, 100
WORDS_MAX, WORD_MAX = 60, 60
# A single word is specific enough for a search from this length on.
SPECIFIC_MIN = 6
MONEY = frozenset({"usdc", "usd", "dollar", "dollars", "money", "price"})

# The field, its name for people with its verb, and the fewest and most characters.
LENGTHS = (
    ("name", "The name is", 3, 80),
    ("slug", "The address is", 3, 60),
    ("ticker", "The ticker is", 2, 12),
    ("unit", "The unit is", 3, 60),
    ("question", "The question is", 12, 240),
    ("summary", "The summary is", 40, 2000),
    ("rules", "The rules are", 80, 4000),
    ("topic", "The topic is", 3, 40),
    ("sources", "The sources are", 10, 1000),
)

READS = frozenset({"source", "sources", "index", "publisher", "publishers", "feed", "feeds"})
READS |= {"archive", "oracle", "series", "number", "report", "reports", "news"}
DIES = frozenset({"silent", "stop", "stops", "stopped", "die", "dies", "fail", "fails", "missing"})
DIES |= {"unavailable", "discontinued", "discontinue", "ends", "ended", "delayed", "late", "dead"}
DIES |= {"ceases", "cease", "disappears", "disappear", "closes", "unreachable", "withdrawn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The words of a proposed market, and what its oracle should read."""

    name: str
    slug: str
    ticker: str
    unit: str
    question: str
    summary: str
    rules: str
    topic: str
    kind: str = "delta"
    queries: tuple[str, ...] = ()
    rise_words: tuple[str, ...] = ()
    fall_words: tuple[str, ...] = ()
    sources: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the field it is about, and the sentence that says so."""

    field: str
    sentence: str


def lint(draft: Draft) -> list[Finding]:
    """Return everything that is wrong with a draft, in the order of its fields."""
    findings = [*_lengths(draft), *_names(draft), *_question(draft), *_rules(draft), *_brief(draft)]
    order = {name: n for n, name in enumerate(draft.__slots__)}
    return sorted(findings, key=lambda finding: order[finding.field])


def _lengths(draft: Draft) -> Iterator[Finding]:
    for field, it_is, least, most in LENGTHS:
        text = getattr(draft, field).strip()
        if not text:
            yield Finding(field, f"{it_is} missing.")
        elif not least <= len(text) <= most:
            yield Finding(
                field, f"{it_is} {len(text)} characters long; {least} to {most} are needed."
            )
        elif not text.replace("\n", " ").replace("\r", " ").isprintable():
            yield Finding(field, f"{it_is} written with characters that cannot be seen.")


def _names(draft: Draft) -> Iterator[Finding]:
    slug, ticker = draft.slug, draft.ticker
    if slug and not (SLUG_CHARACTERS.issuperset(slug) and slug == slug.strip("-")):
        yield Finding("slug", "The address has small letters, digits and hyphens between them.")
    if slug in RESERVED:
        yield Finding("slug", f"The address “{slug}” is one of the site's own.")
    if ticker and not (TICKER_CHARACTERS.issuperset(ticker) and ticker[0].isalpha()):
        yield Finding("ticker", "The ticker has capital letters and digits and begins with one.")
    said = words(draft.unit)
    if draft.unit.strip() and MONEY.issuperset(said):
        yield Finding("unit", "The unit says per what: “USDC per index point”, not only the money.")


def _question(draft: Draft) -> Iterator[Finding]:
    text = draft.question.strip()
    if not text:
        return
    if not text.endswith("?"):
        yield Finding("question", "The question ends with a question mark.")
    named = stems(draft.name)
    if named and not named & stems(text):
        yield Finding(
            "question", f"The question names the variable: at least one word of “{draft.name}”."
        )


def _rules(draft: Draft) -> Iterator[Finding]:
    if draft.rules.strip() and not any(map(_foresees_silence, _sentences(draft.rules))):
        yield Finding(
            "rules",
            "The rules say what happens when a source dies: which one stands in, or that the"
            " oracle view rests while a source is silent.",
        )


def _sentences(text: str) -> list[str]:
    for end in ";!?\n":
        text = text.replace(end, ".")
    return text.split(".")


def _foresees_silence(sentence: str) -> bool:
    said = frozenset(words(sentence))
    return bool(said & READS) and bool(said & DIES)


def _brief(draft: Draft) -> Iterator[Finding]:
    if draft.kind not in KINDS:
        yield Finding("kind", "The kind is delta, for news, or level, for a published number.")
    if draft.kind == "level" and not {"series", "number", "index"} & set(words(draft.sources)):
        yield Finding("sources", "A published number needs its series: who prints it, under what.")
    yield from _queries(draft)
    yield from _directions(draft)


def _queries(draft: Draft) -> Iterator[Finding]:
    queries = draft.queries
    if not 1 <= len(queries) <= QUERIES_MAX:
        yield Finding(
            "queries", f"1 to {QUERIES_MAX} searches are needed; these are {len(queries)}."
        )
    if len({words(query) for query in queries}) < len(queries):
        yield Finding("queries", "A search stands there twice.")
    for query in queries:
        said = [word for word in words(query) if word not in IDLE]
        if len(query) > QUERY_MAX:
            yield Finding("queries", f"“{query[:40]}…” is longer than {QUERY_MAX} characters.")
        elif not said or (len(said) == 1 and len(said[0]) < SPECIFIC_MIN):
            yield Finding("queries", f"“{query}” would find almost anything; add a word to it.")
    about = stems(f"{draft.name} {draft.question} {draft.summary}")
    if queries and about and not any(stems(query) & about for query in queries):
        yield Finding("queries", "No search has a word of the name, the question or the summary.")


def _directions(draft: Draft) -> Iterator[Finding]:
    for field, way in (("rise_words", "rise"), ("fall_words", "fall")):
        listed = getattr(draft, field)
        if draft.kind == "delta" and not listed:
            yield Finding(field, f"At least one word or phrase that means a {way} is needed.")
        if len(listed) > WORDS_MAX or any(len(word) > WORD_MAX for word in listed):
            yield Finding(
                field, f"At most {WORDS_MAX} phrases of at most {WORD_MAX} characters are read."
            )
    rises = {words(word) for word in draft.rise_words}
    for word in draft.fall_words:
        if words(word) in rises:
            yield Finding("fall_words", f"“{word}” cannot mean a rise and a fall.")
