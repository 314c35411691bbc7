"""The networks run in this very process: the model process, and commands where there is none."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from oracle.analysts import nets, onnx_nets, runtimes, weights
from oracle.analysts.away import Away
from oracle.analysts.nets import Fact, Pair, ReaderAway
from oracle.analysts.torch_nets import SequenceNet, TextNet, Tokens, TorchPasses

CLASSIFIERS = ("classifier", "nli")
LABELS_USUAL = 2


class Here:
    """Every model whose weights are on this machine, each loaded when it is first asked."""

    def facts(self) -> Mapping[str, Fact]:
        """Return the models that can be loaded, without loading them."""
        names = [*CLASSIFIERS, weights.text_model()]
        return {name: _fact(name) for name in names if weights.can_load(name)}

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        """Return the share of each label for each pair, in millionths. Raises ReaderAway."""
        self._same(name, version)
        return sequence_of(name).read(pairs)

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer, in millionths. Raises ReaderAway."""
        self._same(name, version)
        return self._text(name).score(prompt, answers)

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        """Return what the text model goes on with. Raises ReaderAway."""
        self._same(name, version)
        return self._text(name).write(prompt, tokens_max)

    def load(self) -> None:
        """Load everything now, so that the first question does not wait for it."""
        for name in self.facts():
            if name in CLASSIFIERS:
                sequence_of(name)
            else:
                self._text(name)

    def _same(self, name: str, version: str) -> None:
        if not weights.can_load(name) or _fact(name).version != version:
            raise ReaderAway(f"{name} is not {version} any more")

    def _text(self, name: str) -> TextNet:
        return _text(weights.folder(name), weights.stamp(name), runtime_of(name))


def use_best() -> None:
    """Let a command's readers ask the model process if it answers, else run the networks here."""
    if not Away(Path(settings.ORACLE_READERS_SOCKET)).state():
        nets.use(Here())


def sequence_of(name: str) -> SequenceNet:
    """Return a classifier, loaded once and again when its files or the runtime change."""
    return _sequence(weights.folder(name), weights.stamp(name), runtime_of(name))


def runtime_of(name: str) -> str:
    """Return how a model really runs: its own int8 form where there is one, else torch."""
    wanted = runtimes.of(name, is_text=name not in CLASSIFIERS)
    if wanted == runtimes.ONNX_INT8 and _light(name) is None:
        return runtimes.TORCH_INT8
    return wanted


def _fact(name: str) -> Fact:
    runtime = runtime_of(name)
    version = weights.fingerprint(name, runtime)
    if name not in CLASSIFIERS:
        return Fact(version=version, runtime=runtime)
    said = json.loads((weights.folder(name) / weights.CONFIG).read_text())
    names = said.get("id2label") or {str(n): f"LABEL_{n}" for n in range(LABELS_USUAL)}
    labels = tuple(str(names[key]).lower() for key in sorted(names, key=int))
    return Fact(version=version, labels=labels, runtime=runtime)


def _light(name: str) -> Path | None:
    return onnx_nets.prepared(weights.folder(name), weights.sums12(name))


@lru_cache(maxsize=2)
def _sequence(place: Path, _stamp: str, runtime: str) -> SequenceNet:
    if runtime == runtimes.ONNX_INT8 and (file := _light(place.name)):
        config = json.loads((place / weights.CONFIG).read_text())
        positions = int(config.get("max_position_embeddings", weights.POSITIONS_USUAL))
        return SequenceNet(onnx_nets.OnnxPasses(file), Tokens(place, positions))
    network = TorchPasses(place, runtime)
    return SequenceNet(network, Tokens(place, network.positions))


@lru_cache(maxsize=1)
def _text(place: Path, _stamp: str, runtime: str) -> TextNet:
    return TextNet(place, runtime)
