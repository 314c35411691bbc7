"""Where weights lie, whether they are whole, and by what hash a report names them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from oracle.analysts import runtimes

MANIFEST = "manifest.json"
CONFIG = "config.json"
LIBRARIES = ("torch", "transformers")
BLOCK_BYTES = 1 << 20
POSITIONS_USUAL = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A published model: its repository, the revision, and the files that are needed of it.

    `sha256` are sums that were had and looked at; a model without them needs a lock file.
    """

    repository: str
    revision: str
    files: tuple[str, ...]
    sha256: Mapping[str, str] = field(default_factory=dict)


_WORDS = ("config.json", "tokenizer.json", "tokenizer_config.json")
_MORE_WORDS = ("special_tokens_map.json", "generation_config.json")

CATALOGUE: Mapping[str, Model] = {
    "classifier": Model(
        repository="distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        revision="main",
        files=("config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"),
    ),
    "nli": Model(
        repository="typeform/distilbert-base-uncased-mnli",
        revision="main",
        files=(*_WORDS, "vocab.txt", "special_tokens_map.json", "pytorch_model.bin"),
    ),
    "generator-tiny": Model(
        repository="MBZUAI/LaMini-Flan-T5-77M",
        revision="main",
        files=(*_WORDS, *_MORE_WORDS, "spiece.model", "pytorch_model.bin"),
    ),
    "generator-small": Model(
        repository="MBZUAI/LaMini-Flan-T5-248M",
        revision="main",
        files=(*_WORDS, *_MORE_WORDS, "spiece.model", "pytorch_model.bin"),
    ),
    "generator-standard": Model(
        repository="Qwen/Qwen2.5-0.5B-Instruct",
        revision="main",
        files=(*_WORDS, "generation_config.json", "vocab.json", "merges.txt", "model.safetensors"),
    ),
}


def folder(name: str) -> Path:
    """Return where the files of a model lie, or would lie."""
    return Path(settings.ORACLE_MODELS_DIR) / name


def can_load(name: str) -> bool:
    """Return whether the libraries and the files of a model are on this machine."""
    return (folder(name) / CONFIG).is_file() and all(find_spec(one) for one in LIBRARIES)


def sha256_of(path: Path) -> str:
    """Return the hash of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as body:
        while block := body.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def text_model() -> str:
    """Return the text model of the configured size."""
    return f"generator-{settings.ORACLE_GENERATOR}"


def any_present() -> bool:
    """Return whether some reader's weights and the libraries are on this machine."""
    return any(can_load(name) for name in ("classifier", "nli", text_model()))


def fingerprint(name: str, runtime: str) -> str:
    """Return what changes whenever a model's files, or what runs them and how, change."""
    if not can_load(name):
        return "absent"
    libraries = [*LIBRARIES, *(runtimes.ONNX_LIBRARIES if runtime == runtimes.ONNX_INT8 else ())]
    parts = [_sums(folder(name), stamp(name)), runtime, runtimes.machine()]
    body = "|".join((*parts, *map(_installed, libraries)))
    return hashlib.sha256(body.encode()).hexdigest()[:12]


def sums12(name: str) -> str:
    """Return a short name of a model's files by their sums."""
    return hashlib.sha256(_sums(folder(name), stamp(name)).encode()).hexdigest()[:12]


def stamp(name: str) -> str:
    """Return names, sizes and times of a model's files: when these stay, so does the model."""
    files = sorted(path for path in folder(name).iterdir() if path.is_file())
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return json.dumps(facts)


def damaged(name: str) -> list[str]:
    """Return the files of a model that are not what its manifest says."""
    place = folder(name)
    try:
        sums = json.loads((place / MANIFEST).read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return [MANIFEST]
    return [
        file
        for file, expected in sorted(sums.items())
        if not (place / file).is_file() or sha256_of(place / file) != expected
    ]


@lru_cache(maxsize=16)
def _sums(place: Path, _stamp: str) -> str:
    files = sorted(path for path in place.iterdir() if path.is_file() and path.name != MANIFEST)
    return "|".join(f"{path.name}={sha256_of(path)}" for path in files)


def _installed(name: str) -> str:
    try:
        return installed(name)
    except PackageNotFoundError:
        return "absent"
