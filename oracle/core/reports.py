"""The values that readers produce and a run hands to the market: marks, reports, notes."""

from dataclasses import dataclass

DELTA = "delta"
LEVEL = "level"

# Why a report is not what its marks alone would say.
NOTE_QUIET = "nothing new"
NOTE_NEUTRAL = "neutral"
NOTE_FEW = "said by fewer than half"
NOTE_UNSURE = "below the confidence floor"
NOTE_CLAMPED = "clamped to 30 %"
NOTE_SMALL = "stage 1 only"
NOTE_LARGE = "stage 2"
NOTE_CALIBRATED = "confidence calibrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one reader makes of one cluster: a direction of the market, and how sure it is.

    `sign` is -1, 0 or 1; `keyword` says that a keyword of the market stands in the text.
    """

    cluster: int
    sign: int
    confidence_e8: int
    keyword: bool = False

    def __post_init__(self) -> None:
        """Refuse what no reader may say."""
        assert self.sign in (-1, 0, 1)
        assert 0 <= self.confidence_e8 <= 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One seat's answer: an estimated relative change of the variable against F.

    `level_pico` is the price behind it where the seat read a published number; `stated_e8` is the
    confidence before calibration; `impact` is the score of stage 1 for reports from text;
    `summary` is a sentence of the model's own, to be shown and for nothing else.
    """

    seat: str
    reader: str
    sources: tuple[str, ...]
    kind: str
    delta_pico: int
    confidence_e8: int
    stated_e8: int
    level_pico: int | None = None
    impact: int = 0
    notes: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    summary: str = ""
