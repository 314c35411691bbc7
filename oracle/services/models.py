"""Fetch the weights of readers once, check every byte that can be checked, and write down the rest.

A file is checked against the sum that its server names, where it names one, and against the
manifest of an earlier fetch. Nothing half fetched is ever seen under its name.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from exchange.errors import Malformed, Unavailable
from oracle.analysts import weights
from oracle.analysts.weights import MANIFEST, Model

HUB = "https://huggingface.co"
FILE_BYTES_MAX = 4 << 30
BLOCK_BYTES = 1 << 20
TIMEOUT_S = (10, 30)
SHA256_DIGITS = 64

Progress = Callable[[str, int, int], None]


class FetchFailed(Unavailable):
    """A file could not be had, or was not what it should be."""

    code = "source_down"


def fetch_model(name: str, *, hub: str = HUB, progress: Progress) -> Path:
    """Return the folder of a model, fetched from the hub unless it is there and whole.

    Raises:  Malformed for an unknown name; FetchFailed.
    Keeps:   a folder with a manifest is whole; a failed fetch leaves what was there before.
    """
    model = weights.CATALOGUE.get(name)
    if model is None:
        raise Malformed(f"the models are {', '.join(sorted(weights.CATALOGUE))}")
    place = weights.folder(name)
    if not weights.damaged(name):
        return place
    with _aside(place) as fresh:
        sums = {
            file: _fetch(
                f"{hub}/{model.repository}/resolve/{model.revision}/{file}", fresh, file, progress
            )
            for file in model.files
        }
        _write(fresh, model, sums)
        _agree(place, sums)
        _exchange(place, fresh)
    return place


def copy_model(name: str, source: Path, *, progress: Progress) -> Path:
    """Return the folder of a model, copied from files that somebody brought along.

    Raises:  Malformed for an unknown name; FetchFailed where a file is missing.
    """
    model = weights.CATALOGUE.get(name)
    if model is None:
        raise Malformed(f"the models are {', '.join(sorted(weights.CATALOGUE))}")
    place = weights.folder(name)
    with _aside(place) as fresh:
        for path in sorted(one for one in source.iterdir() if one.is_file()):
            if path.name != MANIFEST:
                shutil.copyfile(path, fresh / path.name)
                progress(path.name, path.stat().st_size, path.stat().st_size)
        if not (fresh / weights.CONFIG).is_file():
            raise FetchFailed(f"{source} has no {weights.CONFIG}")
        sums = {path.name: weights.sha256_of(path) for path in sorted(fresh.iterdir())}
        _write(fresh, model, sums)
        _exchange(place, fresh)
    return place


def _fetch(url: str, fresh: Path, file: str, progress: Progress) -> str:
    """Fetch one file and return its hash."""
    path = fresh / file
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S) as answer:
            if urlsplit(answer.url).scheme != urlsplit(url).scheme:
                raise FetchFailed(f"{file} was sent to another scheme")
            answer.raise_for_status()
            # The first answer, before any redirect to a store, is the one that names the sum.
            first = answer.history[0] if answer.history else answer
            _save(answer, path, file, progress)
    except (requests.RequestException, OSError) as error:
        raise FetchFailed(f"{file} cannot be fetched: {type(error).__name__}") from error
    found = weights.sha256_of(path)
    named = first.headers.get("X-Linked-Etag", "").strip('"')
    if len(named) == SHA256_DIGITS and named != found:
        raise FetchFailed(f"{file} is not what its server says it is")
    return found


def _save(answer: requests.Response, path: Path, file: str, progress: Progress) -> None:
    length = answer.headers.get("Content-Length", "")
    total, size = int(length) if length.isdigit() else 0, 0
    with path.open("wb") as body:
        for block in answer.iter_content(BLOCK_BYTES):
            size += len(block)
            if size > FILE_BYTES_MAX:
                raise FetchFailed(f"{file} is larger than any of these models")
            body.write(block)
            progress(file, size, total)
    encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
    if total and size != total and not encoded:
        raise FetchFailed(f"{file} was cut off")


def _write(fresh: Path, model: Model, sums: dict[str, str]) -> None:
    said = {"repository": model.repository, "revision": model.revision, "sha256": sums}
    (fresh / MANIFEST).write_text(json.dumps(said, indent=2, sort_keys=True))


def _agree(place: Path, sums: dict[str, str]) -> None:
    """Refuse other files than those of an earlier fetch: a new revision is a new decision."""
    before = place / MANIFEST
    if before.is_file() and json.loads(before.read_text())["sha256"] != sums:
        raise FetchFailed(f"the files differ from {before}; remove it to accept them")


@contextmanager
def _aside(place: Path) -> Iterator[Path]:
    """Give a folder beside the final one, and leave nothing of it behind."""
    fresh = place.with_name(f"{place.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _exchange(place: Path, fresh: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)
