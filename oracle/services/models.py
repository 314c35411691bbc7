"""Fetch the weights of readers once, and only those files that were said to be right.

A file is checked against the sum that its server names, where it names one, and against the pinned
one (oracle/services/pins.py). Nothing half fetched is ever seen under its name.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import requests

from exchange.errors import Malformed, Unavailable
from oracle.analysts import weights
from oracle.analysts.weights import MANIFEST, Model
from oracle.services import pins

HUB = "https://huggingface.co"
FILE_BYTES_MAX = 4 << 30
BLOCK_BYTES = 1 << 20
TIMEOUT_S = (10, 30)
SHA256_DIGITS = 64
BROUGHT = "brought along"

Progress = Callable[[str, int, int], None]


class FetchFailed(Unavailable):
    """A file could not be had, or was not what it should be."""

    code = "source_down"


def fetch_model(name: str, *, hub: str = HUB, pin: bool = False, progress: Progress) -> Path:
    """Return the folder of a model, fetched from the hub unless it is there and whole.

    `pin` takes what the hub has now for right, and keeps its revision and sums for ever after.

    Raises:  Malformed for an unknown name; FetchFailed, also where nobody has said what is right.
    Keeps:   a folder with a manifest is whole; a failed fetch leaves what was there before.
    """
    model, place = _known(name), weights.folder(name)
    right = None if pin else _right(name, model)
    if right and not weights.damaged(name):
        _refuse_unlike(name, model, pins.sums_of(name))
        return place
    with _aside(place) as fresh:
        revision, sums = right.revision if right else model.revision, dict[str, str]()
        for file in model.files:
            url = f"{hub}/{model.repository}/resolve/{revision}/{file}"
            sums[file], said = _fetch(url, fresh, file, progress)
            if said and said != revision and (right or revision != model.revision):
                raise FetchFailed(f"{file} is of revision {said}, not of {revision}")
            revision = said or revision
        if right:
            _refuse_unlike(name, model, sums)
        _write(fresh, replace(model, revision=revision), sums)
        _exchange(place, fresh)
    if pin:
        made = pins.Pin(repository=model.repository, revision=revision, sha256=sums)
        pins.pin(name, made)
    return place


def copy_model(name: str, source: Path, *, pin: bool = False, progress: Progress) -> Path:
    """Return the folder of a model, copied from files that somebody brought along.

    Raises:  Malformed for an unknown name; FetchFailed where a file is missing, or is not the one
             that was said to be right.
    """
    model, place = _known(name), weights.folder(name)
    with _aside(place) as fresh:
        for path in sorted(one for one in source.iterdir() if one.is_file()):
            if path.name != MANIFEST:
                shutil.copyfile(path, fresh / path.name)
                progress(path.name, path.stat().st_size, path.stat().st_size)
        if not (fresh / weights.CONFIG).is_file():
            raise FetchFailed(f"{source} has no {weights.CONFIG}")
        sums = {path.name: weights.sha256_of(path) for path in sorted(fresh.iterdir())}
        if not pin:
            _refuse_unlike(name, model, sums)
        _write(fresh, replace(model, revision=BROUGHT), sums)
        _exchange(place, fresh)
    if pin:
        made = pins.Pin(repository=model.repository, revision=model.revision, sha256=sums)
        pins.pin(name, made)
    return place


def _known(name: str) -> Model:
    model = weights.CATALOGUE.get(name)
    if model is None:
        raise Malformed(f"the models are {', '.join(sorted(weights.CATALOGUE))}")
    return model


def _right(name: str, model: Model) -> pins.Pin:
    try:
        right = pins.pin_of(name, model)
    except pins.LockBroken as error:
        raise FetchFailed(str(error)) from error
    if right is None:
        raise FetchFailed(
            f"nobody has said which files of {name} are right: bring {pins.lock_path()} along,"
            " or take what the server has now with --pin"
        )
    return right


def _refuse_unlike(name: str, model: Model, sums: Mapping[str, str]) -> None:
    try:
        bad = pins.unlike(name, model, sums)
    except pins.LockBroken as error:
        raise FetchFailed(str(error)) from error
    if bad:
        raise FetchFailed(f"{name} differs from its pinned sums: {', '.join(bad)}")


def _fetch(url: str, fresh: Path, file: str, progress: Progress) -> tuple[str, str]:
    """Fetch one file; return its hash, and the revision that the server says it is of."""
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
    return found, first.headers.get("X-Repo-Commit", "")


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
