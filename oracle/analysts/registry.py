"""Which readers there are, and which can be asked now."""

from oracle.analysts import nets
from oracle.analysts.base import Analyst, Analysts
from oracle.analysts.classifier import NAME as CLASSIFIER
from oracle.analysts.classifier import Classifier
from oracle.analysts.forecaster import NAME as FORECASTER
from oracle.analysts.forecaster import Forecaster
from oracle.analysts.generator import NAME as GENERATOR
from oracle.analysts.generator import Generator
from oracle.analysts.lexicon import Lexicon
from oracle.analysts.nli import Nli
from oracle.analysts.series import Series

KNOWN: tuple[Analyst, ...] = (Lexicon(), Series(), Classifier(), Nli(), Generator(), Forecaster())

# What the readers read: stories, or numbers. The linter of specifications asks.
READS_NUMBERS = frozenset({"series"})
# Their marks are the classifier's where it can be asked.
READS_TONE = frozenset({CLASSIFIER, GENERATOR})
# These have no source: what they read is handed in.
READS_NOTHING = frozenset({FORECASTER})


def names() -> list[str]:
    """Return every reader a specification may name, present on this machine or not."""
    return [analyst.name for analyst in KNOWN]


def available() -> Analysts:
    """Return the readers that can be asked now, by name; networks are looked for again."""
    nets.look()
    return {analyst.name: analyst for analyst in KNOWN if analyst.can_run()}
