"""Stories kept in memory under the rules of the evidence store, for a past that is only played.

A backtest must not write into the store, where its items would seem to have been there all along.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from oracle.services import stories
from oracle.services.evidence import Draft, draft
from oracle.sources.base import Item


@dataclass(slots=True)
class Tale:
    """One story: its head's words and signature."""

    head: Draft
    sketch: bytes


@dataclass(slots=True)
class Shelf:
    """What was read so far. The oldest story that fits wins, as in the store."""

    tales: list[Tale] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)
    _contents: dict[bytes, int] = field(default_factory=dict)
    _urls: dict[str, int] = field(default_factory=dict)
    _bands: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def place(self, item: Item, at: datetime) -> int | None:
        """Return the number of the item's story; nothing for one without words or from later.

        Keeps:   one story per partition that `evidence.store` would make of the same items in the
                 same order.
        """
        made = draft(item)
        if made is None or made.published_at > at:
            return None
        if made.sha256 not in self._known:
            self._known[made.sha256] = self._number(made)
        return self._known[made.sha256]

    def _number(self, made: Draft) -> int:
        number = self._contents.get(made.content_sha256)
        if number is None and made.url:
            number = self._urls.get(made.url)
        if number is None:
            number = self._near(made)
        self._contents.setdefault(made.content_sha256, number)
        if made.url:
            self._urls.setdefault(made.url, number)
        return number

    def _near(self, made: Draft) -> int:
        sketch = stories.signature(made.title, made.text)
        keys = stories.bands(sketch)
        text = f"{made.title} {made.text}"
        for number in sorted({number for key in keys for number in self._bands[key]}):
            tale = self.tales[number]
            head = tale.head
            if (
                abs(head.published_at - made.published_at) <= stories.WINDOW
                and stories.similarity_percent(sketch, tale.sketch) >= stories.SIMILAR_PERCENT
                and stories.agree(text, f"{head.title} {head.text}")
            ):
                return number
        self.tales.append(Tale(made, sketch))
        for key in keys:
            self._bands[key].append(len(self.tales) - 1)
        return len(self.tales) - 1
