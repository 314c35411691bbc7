"""The number of the code and the code belong together: neither changes without the other.

A replay that finds another number says so. So whoever changes what lies between stored evidence
and a report raises reading.CODE_VERSION, or the RULES of the reader, and writes the sum here;
whoever changes only words or comments writes the sum alone.
"""

import hashlib
from pathlib import Path

from django.conf import settings

from oracle.analysts import classifier, generator, lexicon, nli, series
from oracle.services import reading

SUM = "b0fde80c0cb00c99"
VERSIONS = ("3", 1, 4, 1, 2, 1)
CORE = (
    "bounds", "calibration", "forecasts", "levels", "novelty", "quorum", "reports", "scoring",
    "sizing", "voices",
)  # fmt: skip
FILES = (
    *(f"core/{name}.py" for name in CORE),
    "analysts/*.py",
    "analysts/prompts/*.txt",
    "services/reading.py",
)
# These say where networks are and how they are asked, not what is made of their answers.
BESIDE = {"away.py", "choices.py", "here.py", "nets.py", "registry.py", "weights.py", "wire.py"}


def test_a_changed_reader_has_another_number() -> None:
    oracle, digest = Path(settings.BASE_DIR) / "oracle", hashlib.sha256()
    for file in sorted(path for form in FILES for path in oracle.glob(form)):
        if file.name not in BESIDE:
            digest.update(f"{file.relative_to(oracle)}\0".encode() + file.read_bytes())
    now = (
        reading.CODE_VERSION,
        classifier.RULES,
        generator.RULES,
        lexicon.RULES,
        nli.RULES,
        series.RULES,
    )
    assert (digest.hexdigest()[:16], now) == (SUM, VERSIONS), __doc__
