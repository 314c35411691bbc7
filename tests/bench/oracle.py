"""O1: the oracle's cycle against bare inference of the same texts, and what its readers need.

The networks have the sizes of the real ones and weights from a seed: how long a pass takes does not
depend on what the weights say. Real weights are used where they were fetched.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from django.conf import settings

from exchange import clock
from exchange.models import Market
from oracle.analysts import (
    generator,
    here,
    nets,
    onnx_nets,
    passes,
    runtimes,
    torch_nets,
    weights,
)
from oracle.analysts.away import Away
from oracle.models import Run, Schedule, Source
from oracle.services import cycle, specs, sweep
from tests.bench.figures import Measure, Rounds, say
from tests.bench.oracle_models import WORDS, write_classifier, write_text_model
from tests.bench.place import PARAMETERS, market

CLUSTERS, TOKENS = 10, 64
SEED = 11
HOUR_S = 3_600
MEMORY_MIB_MAX = 1_536


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is measured, and how large the networks are."""

    rounds: int
    cycles: int
    real_size: bool
    runtimes: tuple[str, ...]


ALL = (runtimes.ONNX_INT8, runtimes.TORCH_INT8, runtimes.TORCH)
PACES = {
    "tiny": Pace(3, 1, False, (runtimes.ONNX_INT8,)),
    "quick": Pace(3, 2, True, (runtimes.ONNX_INT8,)),
    "full": Pace(5, 6, True, ALL),
}


def measure(size: str, store: str) -> list[Measure]:
    """Return cycles and scorings against bare ones, cycles per hour, and memory, by runtime."""
    del store
    pace, found = PACES[size], []
    with tempfile.TemporaryDirectory(prefix="megatron-bench-") as folder:
        place = _models(Path(folder), real_size=pace.real_size)
        settings.ORACLE_MODELS_DIR = str(place)
        settings.ORACLE_ARCHIVE_DIRS = [folder]
        oracle_market = _market(Path(folder))
        for runtime in pace.runtimes:
            settings.ORACLE_RUNTIME = runtime
            found += _measured(runtime, pace, oracle_market, Path(folder))
    return found


def _measured(runtime: str, pace: Pace, market: Market, folder: Path) -> list[Measure]:
    rounds = Rounds(f", {runtime}")
    with _process(folder) as away, nets.using(away):
        bare = _Bare(runtime)
        for number in range(pace.rounds):
            say(f"oracle: {runtime}, round {number + 1} of {pace.rounds}")
            _round(rounds, market, folder, pace, bare)
        rounds.add("memory", float(away.state()["rss_mib"]))
    return [
        rounds.measure("O1", f"cycle, {CLUSTERS} new clusters", "cycle", "ms", "bare"),
        rounds.measure("O1", "the same against one thread", "cycle", "ms", "bare thread"),
        rounds.measure("O1", "the same against text by text", "cycle", "ms", "bare alone"),
        rounds.measure("O1", "cycles an hour, one worker", "hourly", "cycles"),
        rounds.measure("O1", "stage 2 by scoring", "scoring", "ms", "bare scoring"),
        Measure(
            measure="O1",
            case=f"memory of the model process, {runtime}",
            value=rounds.median("memory"),
            unit="MiB",
            rounds=pace.rounds,
            limit=MEMORY_MIB_MAX,
        ),
    ]


def _round(rounds: Rounds, market: Market, folder: Path, pace: Pace, bare: "_Bare") -> None:
    cycles, bares, threads, alone = [], [], [], []
    for _ in range(pace.cycles):
        texts = _news(folder)
        Schedule.objects.filter(market=market).update(next_at=clock.now())
        cycles.append(_ms(lambda: _cycle(market)))
        bares.append(_ms(partial(bare.read, texts)))
        threads.append(_ms(partial(bare.read_on_one, texts)))
        alone.append(_ms(partial(bare.read_alone, texts)))
    rounds.add("cycle", min(cycles))
    # beside other work a batch on all cores waits for its slowest thread and one thread is faster
    rounds.add("bare", min(bares + threads))
    rounds.add("bare thread", min(threads))
    rounds.add("bare alone", min(alone))
    rounds.add("hourly", HOUR_S * 1_000 / (sum(cycles) / len(cycles)))
    asked = (generator.DIRECTION_WORDS, generator.SIZE_WORDS)
    prompt = " ".join(_text(Random(len(cycles)), 300))
    rounds.add(
        "scoring",
        _ms(lambda: [nets.score(generator.model_name(), prompt, words) for words in asked]),
    )
    rounds.add("bare scoring", _ms(lambda: bare.score(prompt, asked)))


class _Bare:
    """The same networks without anything of ours around them: one padded batch, one loop."""

    def __init__(self, runtime: str) -> None:
        local = here.Here()
        self.nets, self.facts = local, local.facts()
        local.load()
        self.sequence = here.sequence_of("classifier")
        self.runtime, self.cores = runtime, len(os.sched_getaffinity(0))
        self.wide: passes.Passes = self.sequence.network
        if runtime == runtimes.ONNX_INT8:
            place = weights.folder("classifier")
            file = onnx_nets.prepared(place, weights.sums12("classifier"))
            assert file is not None
            self.wide = onnx_nets.OnnxPasses(file, self.cores)

    def read(self, texts: list[str]) -> None:
        """Read all texts in one batch, as long as the longest, on as many threads as cores."""
        torch, _ = torch_nets.libraries()
        torch.set_num_threads(self.cores)
        self._batch(self.wide, texts)
        torch.set_num_threads(torch_nets.THREADS)

    def read_on_one(self, texts: list[str]) -> None:
        """Read the same batch on one thread."""
        self._batch(self.sequence.network, texts)

    def _batch(self, network: passes.Passes, texts: list[str]) -> None:
        rows = self.sequence.tokens.rows([(text, None) for text in texts])
        longest = max(map(len, rows))
        ids = [[*row, *[self.sequence.tokens.pad] * (longest - len(row))] for row in rows]
        mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
        network.logits(ids, mask)

    def read_alone(self, texts: list[str]) -> None:
        """Read as the model process does: no text shows in another's answer, on all cores."""
        self.sequence.read([(text, None) for text in texts])

    def score(self, prompt: str, asked: Sequence[Sequence[str]]) -> None:
        """Score the answers to each question."""
        name = generator.model_name()
        for words in asked:
            self.nets.score(name, self.facts[name].version, prompt, words)


def _cycle(market: Market) -> None:
    claimed = sweep.claim(market.pk, clock.now())
    assert claimed is not None
    done = cycle.run_market(market.pk)
    assert done is not None
    assert done.state == Run.State.APPLIED, (done.reason, done.detail)
    assert len(done.inputs["stories"]) == CLUSTERS
    assert "classifier" in done.versions["readers"]


def _market(folder: Path) -> Market:
    with patch.dict(PARAMETERS, quorum=1):
        made = market()
    _news(folder)
    Source.objects.create(
        name="bench", label="bench", kind=Source.Kind.ARCHIVE, options={"file": "bench.jsonl"}
    )
    fields = {
        "question": "Is output rising?",
        "unit": "points",
        "queries": ["output"],
        "sources": [{"source": "bench"}],
        "panel": [{"seat": "tone", "reader": "classifier", "sources": ["bench"]}],
        "quorum": 1,
        "fallback": "rest",
    }
    specs.spec_save(market_id=made.pk, fields=fields, waived="a benchmark")
    return made


_counter = iter(range(10**9))


def _news(folder: Path) -> list[str]:
    """Write an archive of new stories; return their texts."""
    texts, lines = [], []
    for _ in range(CLUSTERS):
        number = next(_counter)
        words = _text(Random(SEED * 1_000 + number), TOKENS - 6)
        title = f"output {number} {' '.join(words)}"
        texts.append(title)
        at = clock.now() - timedelta(seconds=60)
        lines.append(
            json.dumps(
                {
                    "title": title[:290],
                    "text": title[290:],
                    "url": f"https://bench.example/{number}",
                    "publisher": "Bench",
                    "published": at.isoformat(),
                    "topic": "output",
                }
            )
        )
    (folder / "bench.jsonl").write_text("\n".join(lines) + "\n")
    return texts


def _text(random: Random, count: int) -> list[str]:
    return random.choices(WORDS, k=count)


def _models(folder: Path, *, real_size: bool) -> Path:
    """Return the folder of the weights: the real ones where both are there, else seeded ones."""
    given = Path(settings.ORACLE_MODELS_DIR)
    if real_size and all((given / n / "config.json").is_file() for n in _names()):
        say("oracle: with the weights that were fetched")
        return given
    say("oracle: weights from a seed; speed and memory do not depend on what weights say")
    place = folder / "models"
    for name, write in zip(_names(), (write_classifier, write_text_model), strict=True):
        (place / name).mkdir(parents=True)
        write(place / name, real_size=real_size)
    return place


def _names() -> tuple[str, str]:
    return "classifier", weights.text_model()


@contextmanager
def _process(folder: Path) -> Iterator[Away]:
    """Run the model process as the site does."""
    path = folder / "readers.sock"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "readers", "--socket", str(path)],
        cwd=settings.BASE_DIR,
        env=_environment(),
        stdout=subprocess.DEVNULL,
    )
    away = Away(path)
    try:
        while not away.state():
            assert process.poll() is None, "the model process ended"
            time.sleep(0.1)
        yield away
    finally:
        process.terminate()
        process.wait()


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "ORACLE_MODELS_DIR": str(settings.ORACLE_MODELS_DIR),
        "ORACLE_RUNTIME": str(settings.ORACLE_RUNTIME),
    }


def _ms(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000
