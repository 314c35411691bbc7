"""How right a topic's, a reader's or a source's claims were over all markets' newest cards."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines.rounding import div_even
from exchange.engines.units import RATE
from oracle.core.card import interval
from oracle.models import Card, CardRow
from oracle.selectors import cards
from oracle.selectors.cards import PICO_PER_E8

# Below this many judged claims a share says next to nothing, and the line says so.
ENOUGH = 50
KINDS = (CardRow.Of.TOPIC, CardRow.Of.READER, CardRow.Of.SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The claims of one topic, reader or source, whatever the market. No case, no figure.

    `usual_e8` is what always claiming each market's more frequent direction would have got.
    """

    of: str
    name: str
    markets: int
    claims: int
    verdicts: int
    judged: int
    hits: int
    hit_e8: int | None
    low_e8: int | None
    high_e8: int | None
    usual_e8: int | None
    brier_e8: int | None
    error_pico: int | None
    invented_news: bool

    @property
    def error_e8(self) -> int | None:
        """The mean error in 1e-8, for display."""
        return None if self.error_pico is None else self.error_pico // PICO_PER_E8

    @property
    def is_thin(self) -> bool:
        """Whether there are too few judged claims to say much."""
        return self.judged < ENOUGH


def records() -> list[Record]:
    """Return every record over the newest card of each market, by kind and name."""
    newest = Card.objects.order_by("market_id", "-id").distinct("market_id")
    by_card = {card.pk: card for card in cards.labelled(newest.select_related("market", "spec"))}
    groups = defaultdict[tuple[str, str], list[CardRow]](list)
    for row in CardRow.objects.filter(card__in=by_card, of__in=KINDS).order_by("id"):
        groups[row.of, row.name].append(row)
    order = {kind: place for place, kind in enumerate(KINDS)}
    return [
        _record(of, name, rows, by_card)
        for (of, name), rows in sorted(
            groups.items(), key=lambda one: (order[CardRow.Of(one[0][0])], one[0][1])
        )
    ]


def _record(of: str, name: str, rows: Sequence[CardRow], by_card: dict[int, Card]) -> Record:
    judged, hits = sum(row.judged for row in rows), sum(row.hits for row in rows)
    low_e8, high_e8 = interval(hits, judged) if judged else (None, None)
    return Record(
        of=of,
        name=name,
        markets=len({by_card[row.card_id].market_id for row in rows}),
        claims=sum(row.claims for row in rows),
        verdicts=sum(row.verdicts for row in rows),
        judged=judged,
        hits=hits,
        hit_e8=div_even(hits * RATE, judged) if judged else None,
        low_e8=low_e8,
        high_e8=high_e8,
        usual_e8=_mean([(row.usual_e8, row.judged) for row in rows]),
        brier_e8=_mean([(row.brier_e8, row.judged) for row in rows]),
        error_pico=_mean([(row.error_pico, row.verdicts) for row in rows]),
        invented_news=any(by_card[row.card_id].invented_news for row in rows),
    )


def _mean(figures: Sequence[tuple[int | None, int]]) -> int | None:
    """Return the mean of [figure, cases]; a line without the figure takes no part."""
    known = [(figure, cases) for figure, cases in figures if figure is not None and cases]
    total = sum(cases for _, cases in known)
    return div_even(sum(figure * cases for figure, cases in known), total) if total else None
