"""O2: how each network runs fastest on this host, and how far int8 keeps to what fp32 says.

Writes the choice down beside the models (oracle/analysts/choices.py), where the model process finds
it. Networks of the real sizes with weights from a seed stand in for what was not fetched: how long
a pass takes does not depend on what the weights say, agreement does.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from django.conf import settings

from exchange import clock
from oracle.analysts import choices, classifier, generator, here, nli, runtimes, weights
from oracle.analysts.choices import Choice
from tests.bench.figures import Measure, Rounds, say
from tests.bench.oracle import _ms, _text
from tests.bench.oracle_models import write_classifier, write_text_model

CLASSIFIER, NLI = classifier.NAME, nli.NAME
TEXTS, TOKENS, PROMPT_TOKENS = 10, 64, 300
COMPARED = 60
PACES = {"tiny": (2, False), "quick": (3, True), "full": (7, True)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one kind of network is asked in every round."""

    kind: str
    pairs: Sequence[tuple[str, str | None]] = ()
    prompts: Sequence[str] = ()

    @property
    def is_text(self) -> bool:
        return bool(self.prompts)

    def answers(self, nets: here.Here) -> list[Any]:
        """Return all answers, and so take the time that they take."""
        version = nets.facts()[self.kind].version
        if not self.is_text:
            return nets.read(self.kind, version, self.pairs)
        words = generator.DIRECTION_WORDS
        return [nets.score(self.kind, version, one, words) for one in self.prompts]


def measure(size: str, store: str) -> list[Measure]:
    """Return the milliseconds of each kind in each runtime, and how often the answer is fp32's."""
    del store
    rounds, real_size = PACES[size]
    given = Path(settings.ORACLE_MODELS_DIR)
    with tempfile.TemporaryDirectory(prefix="megatron-bench-") as folder:
        found: list[Measure] = []
        best: dict[str, Choice] = {}
        for kind in (CLASSIFIER, NLI, weights.text_model()):
            settings.ORACLE_MODELS_DIR = str(given)
            if not (real_size and weights.can_load(kind)):
                settings.ORACLE_MODELS_DIR = folder
                _write(Path(folder) / kind, kind, real_size=real_size)
            best[kind] = _raced(kind, rounds, found)
        if real_size:
            settings.ORACLE_MODELS_DIR = str(given)
            choices.write(best, runtimes.machine())
            say(f"readers: written to {choices.path()}")
        return found


def _raced(kind: str, count: int, found: list[Measure]) -> Choice:
    is_text = kind == weights.text_model()
    times, said = Rounds(), dict[str, list[Any]]()
    ways = runtimes.possible(is_text=is_text)
    short, long = _asked(kind, TEXTS), _asked(kind, COMPARED)
    for number in range(count):
        for runtime in ways:
            settings.ORACLE_RUNTIME = runtime
            nets = here.Here()
            if not number:
                assert here.runtime_of(kind) == runtime
                said[runtime] = [_best(one) for one in long.answers(nets)]
            short.answers(nets)
            # mypy gives no type to the default of a lambda
            times.add(runtime, _ms(lambda nets=nets: short.answers(nets)))  # type: ignore[misc]
            say(f"readers: {kind}, {runtime}, round {number + 1} of {count}")
    for runtime in ways:
        found.append(times.measure("O2", f"{kind}, {runtime}", runtime, "ms", runtimes.TORCH))
        same = sum(a == b for a, b in zip(said[runtime], said[runtimes.TORCH], strict=True))
        found.append(
            Measure(
                measure="O2",
                case=f"{kind}, {runtime}: answers that are fp32's",
                value=100 * same / len(said[runtime]),
                unit="%",
                rounds=1,
            )
        )
    figures = {runtime: round(times.median(runtime), 1) for runtime in ways}
    fastest = min(ways, key=figures.__getitem__)
    return Choice(runtime=fastest, measured_at=clock.now().isoformat(), ms=figures)


def _asked(kind: str, count: int) -> _Asked:
    if kind == weights.text_model():
        prompts = [" ".join(_text(Random(n), PROMPT_TOKENS)) for n in range(max(1, count // 10))]
        return _Asked(kind, prompts=prompts)
    texts = [" ".join(_text(Random(n), TOKENS - 2)) for n in range(count)]
    other = "output rise" if kind == NLI else None
    return _Asked(kind, pairs=[(text, other) for text in texts])


def _best(row: Sequence[int]) -> int:
    return row.index(max(row))


def _write(place: Path, kind: str, *, real_size: bool) -> None:
    say(f"readers: {kind} with weights from a seed")
    place.mkdir(parents=True)
    write = write_text_model if kind == weights.text_model() else write_classifier
    write(place, real_size=real_size)
