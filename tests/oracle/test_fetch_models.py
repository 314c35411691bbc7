"""Bringing weights: whole or not at all, the same bytes as before or a refusal."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from oracle.analysts import weights
from oracle.services import pins
from tests.fakes.hub import Hub, serving

FILES = weights.CATALOGUE["classifier"].files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_MODELS_DIR = str(tmp_path / "models")
    return tmp_path / "models" / "classifier"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(files={name: name.encode() * 9 for name in FILES})) as served:
        yield served


def fetch(hub: Hub, *words: str) -> str:
    out = StringIO()
    call_command("fetch_models", "classifier", "--hub", hub.url, *words, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("behave", ["ok", "elsewhere"])
def test_it_brings_every_file_and_its_sums(hub: Hub, folder: Path, behave: str) -> None:
    hub.behave = behave
    said = fetch(hub, "--pin")
    manifest = json.loads((folder / weights.MANIFEST).read_text())
    assert set(manifest["sha256"]) == set(FILES)
    assert all((folder / name).read_bytes() == hub.files[name] for name in FILES)
    assert all(f"{name}: " in said for name in FILES)
    assert "100 %" in said
    assert weights.damaged("classifier") == []
    assert not folder.with_name("classifier.part").exists()


def test_what_is_whole_is_not_fetched_again(hub: Hub) -> None:
    fetch(hub, "--pin")
    asked = len(hub.paths)
    fetch(hub)
    assert len(hub.paths) == asked == len(FILES)


@pytest.mark.parametrize("behave", ["liar", "cut", "broken"])
def test_a_bad_server_leaves_nothing(hub: Hub, folder: Path, behave: str) -> None:
    hub.behave = behave
    with pytest.raises(CommandError):
        fetch(hub, "--pin")
    assert not pins.lock_path().exists()
    assert not folder.exists()
    assert not folder.with_name("classifier.part").exists()


def test_damage_is_found_and_mended(hub: Hub, folder: Path) -> None:
    fetch(hub, "--pin")
    (folder / "config.json").write_text("{}")
    with pytest.raises(CommandError, match=r"config\.json"):
        call_command("fetch_models", "classifier", "--check")
    fetch(hub)
    assert weights.damaged("classifier") == []


def test_nothing_is_believed_before_somebody_pins_it(hub: Hub, folder: Path) -> None:
    with pytest.raises(CommandError, match="--pin"):
        fetch(hub)
    assert hub.paths == []
    assert not folder.exists()


def test_a_file_that_no_server_vouches_for_must_be_the_pinned_one(hub: Hub, folder: Path) -> None:
    hub.names_sums = False
    fetch(hub, "--pin")
    (folder / "config.json").unlink()
    hub.files["config.json"] = b"{}"
    with pytest.raises(CommandError, match=r"pinned sums: config\.json"):
        fetch(hub)
    assert not (folder / "config.json").exists()
    fetch(hub, "--pin")  # a new decision
    assert (folder / "config.json").read_bytes() == b"{}"


def test_a_pin_is_of_a_commit_and_not_of_what_moves(hub: Hub, folder: Path) -> None:
    hub.commit = "a" * 40
    fetch(hub, "--pin")
    assert "/resolve/main/" in hub.paths[0]
    assert all(f"/resolve/{hub.commit}/" in path for path in hub.paths[1:])
    shutil.rmtree(folder)
    hub.commit = "b" * 40
    with pytest.raises(CommandError, match=r"not of a{40}"):
        fetch(hub)
    assert f"/resolve/{'a' * 40}/" in hub.paths[-1]
    assert not folder.exists()


def test_a_lock_that_was_brought_along_is_kept_to(hub: Hub, folder: Path, tmp_path: Path) -> None:
    fetch(hub, "--pin")
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "config.json").write_text("{}")
    with pytest.raises(CommandError, match="pinned sums"):
        call_command("fetch_models", "classifier", "--from", str(tmp_path / "stick"))
    manifest = json.loads((folder / weights.MANIFEST).read_text())
    (folder / "config.json").write_text("{}")
    manifest["sha256"]["config.json"] = weights.sha256_of(folder / "config.json")
    (folder / weights.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(CommandError, match="not what was pinned"):
        call_command("fetch_models", "classifier", "--check")
    with pytest.raises(CommandError, match="pinned sums"):
        fetch(hub)
    pins.lock_path().write_text("[]")
    for words in ([], ["--check"]):
        with pytest.raises(CommandError, match="no lock file"):
            fetch(hub, *words)


def test_sums_of_the_catalogue_need_no_lock(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = {name: hashlib.sha256(body).hexdigest() for name, body in hub.files.items()}
    known = replace(weights.CATALOGUE["classifier"], sha256=sums)
    monkeypatch.setattr(weights, "CATALOGUE", {"classifier": known})
    fetch(hub)
    assert weights.damaged("classifier") == []
    assert not pins.lock_path().exists()


def test_a_folder_may_be_brought_along(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "stick"
    source.mkdir()
    (source / "config.json").write_text("{}")
    (source / "model.safetensors").write_bytes(b"weights")
    out = StringIO()
    call_command("fetch_models", "classifier", "--from", str(source), stdout=out)
    call_command("fetch_models", "classifier", "--check", stdout=out)
    assert "classifier: whole" in out.getvalue()
    (source / "config.json").unlink()
    with pytest.raises(CommandError):
        call_command("fetch_models", "classifier", "--from", str(source), stdout=out)
    assert weights.damaged("classifier") == []


@pytest.mark.parametrize("words", [["imagined"], ["classifier", "nli", "--from", "."]])
def test_senseless_words_are_refused(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("fetch_models", *words)
